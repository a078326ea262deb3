// Reports and studies' pages in a real browser: axe-core finds nothing on any of them, no page needs to be scrolled sideways,
// and a whole study is done by keyboard alone. `cargo xtask drill browser` starts the servers and this program.
//
// argv: a JSON text with chromium, pictures (a folder, or empty), reports (names and files), fields, preview, first, admin (addresses), token.
import axe from "axe-core";
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";

const given = JSON.parse(process.argv[2]);
const browser = await chromium.launch({ executablePath: given.chromium, args: ["--no-sandbox"] });
// Widths: a desk, a telephone, and 320 pixels, which is a window of 1280 at 400 % zoom (WCAG 1.4.10); 640 are 200 % of it (1.4.4).
const widths = [1200, 640, 375, 320];
const rules = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
let looked = 0;
const faults = [];
if (given.pictures) mkdirSync(given.pictures, { recursive: true });

async function open() {
  // The study's certificate is of a local authority; see the proxy.
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.setDefaultNavigationTimeout(120_000);
  page.on("pageerror", (error) => faults.push(`script of ${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy/.test(message.text())) faults.push(message.text());
  });
  return page;
}

// Holds the page that is open against axe's rules and against sideways scrolling, at each width.
async function look(page, name) {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate((rules) => window.axe.run(document, rules), rules);
    for (const found of violations) {
      faults.push(`${name} at ${width}: ${found.id}: ${found.help}: ${found.nodes.map((n) => n.target).join(" ")}`);
    }
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (over > 0) faults.push(`${name} at ${width}: ${over} pixels wider than the window`);
    if (given.pictures) {
      await page.screenshot({ path: `${given.pictures}/${name.replaceAll(/[^a-z0-9]+/gi, "-")}-${width}.png`, fullPage: true });
    }
    looked += 1;
  }
  await page.setViewportSize({ width: 1200, height: 900 });
}

const due = (page) => page.locator('input[name="page.screen"]').inputValue().catch(() => "end");

// What commands write, as it opens and with all that is folded unfolded.
async function reports() {
  const page = await open();
  for (const [name, file] of given.reports) {
    await page.goto(`file://${file}`);
    await look(page, name);
    const folded = await page.locator("details:not([open])").count();
    if (folded === 0) continue;
    await page.evaluate(() => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
    await look(page, `${name} unfolded`);
  }
}

// Every kind of field and of part, with the page of faults, withdrawal, and the end.
async function fields() {
  const page = await open();
  await page.goto(given.fields);
  await look(page, "consent");
  await page.locator("button[type=submit]").first().click();
  for (let n = 0; n < 20; n += 1) {
    const screen = await due(page);
    if (screen === "end") break;
    await look(page, `screen ${n}`);
    const inputs = await page.locator(".field").count();
    if (inputs > 0) {
      await page.locator("button[type=submit]").first().click();
      if ((await page.locator(".trouble").count()) > 0) await look(page, `screen ${n} with faults`);
    }
    if ((await due(page)) === screen) {
      await answer(page);
      await page.locator("button[type=submit]").first().click();
    }
    if ((await due(page)) === screen) throw new Error(`screen ${n} was not taken: ${await page.locator("main").innerText()}`);
  }
  await look(page, "end");
  await page.goto(`${given.fields}/withdraw`);
  await look(page, "withdrawal");
  await page.goto(`${given.fields}/p/nobody`);
  await look(page, "no such link");
  await page.goto(`${given.fields}/admin`);
  await look(page, "token");
}

async function answer(page) {
  for (const box of await page.locator(".field input[type=text], .field textarea").all()) await box.fill("1");
  const groups = new Set();
  for (const option of await page.locator(".field input[type=radio], .field input[type=checkbox]").all()) {
    const name = await option.getAttribute("name");
    if (!groups.has(name)) await option.check();
    groups.add(name);
  }
}

// The screens of a study with models that people see, in each condition; of screens that are built alike one is looked at.
async function preview() {
  const page = await open();
  await page.goto(given.preview);
  await look(page, "preview");
  const arms = await page.locator('a[href^="/arm/"]').evaluateAll((links) => links.map((a) => a.getAttribute("href")));
  const seen = new Set();
  for (const arm of arms) {
    for (let at = 0; at < 60; at += 1) {
      const url = arm.replace(/\/0$/, `/${at}`);
      const response = await page.goto(given.preview + url);
      if (response.status() !== 200) break;
      const built = await page.locator("main *").evaluateAll((all) => [...new Set(all.map((e) => `${e.tagName}.${e.className}`))].join(" "));
      if (!seen.has(built)) await look(page, url);
      seen.add(built);
    }
  }
  for (const end of ["completed", "screened-out", "full"]) {
    await page.goto(`${given.preview}/end/${end}`);
    await look(page, `end ${end}`);
  }
}

// A whole study with Tab, Space, Enter, arrows and letters, and nothing else.
async function keyboard() {
  const page = await open();
  await page.goto(given.first);
  const tab = async (wanted) => {
    for (let n = 0; n < 60; n += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(wanted)) return;
    }
    throw new Error(`the keyboard does not reach ${wanted} on ${page.url()}`);
  };
  const submit = () => document.activeElement?.matches("button[type=submit]:not([value=decline])");
  const press = async () => {
    await tab(submit);
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  };
  await press();
  let pages = 0;
  while ((await due(page)) !== "end") {
    if ((pages += 1) > 20) throw new Error("the study does not end");
    const kinds = await page.locator(".field").evaluateAll((fields) =>
      fields.map((f) => f.querySelector("input[type=radio]") ? "radio" : f.querySelector("textarea") ? "words" : "number"));
    for (const kind of kinds) {
      if (kind === "number") {
        await tab(() => document.activeElement?.matches(".field input[type=text]"));
        await page.keyboard.type("300");
      } else if (kind === "words") {
        await tab(() => document.activeElement?.matches("textarea"));
        await page.keyboard.type("by keyboard");
      } else {
        await tab(() => document.activeElement?.matches("input[type=radio]"));
        await page.keyboard.press("Space");
      }
    }
    await press();
  }
  const code = await page.locator(".code strong").innerText();
  if (code !== "BEADS-DONE") throw new Error(`the end has the code ${code}`);
  const cookies = await page.context().cookies();
  const secure = given.first.startsWith("https:");
  if (cookies.length !== 1 || cookies[0].secure !== secure || !cookies[0].httpOnly) {
    throw new Error(`the cookie is not as it should be: ${JSON.stringify(cookies)}`);
  }
  return pages;
}

async function admin() {
  const page = await open();
  await page.goto(given.admin);
  await page.locator("#token").fill(given.token);
  await page.locator("button[type=submit]").click();
  if (!(await page.locator("h1").innerText()).includes("beads")) throw new Error("the token does not open the admin page");
  await look(page, "admin");
}

try {
  await reports();
  await fields();
  await preview();
  const pages = await keyboard();
  await admin();
  if (faults.length > 0) throw new Error(`${faults.length} faults:\n  ${[...new Set(faults)].join("\n  ")}`);
  console.log(`${looked} views of pages without a fault (axe-core ${axe.version}); ${pages} pages of a study by keyboard alone`);
} catch (error) {
  console.error(error.message);
  for (const fault of new Set(faults)) console.error(`  ${fault}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
