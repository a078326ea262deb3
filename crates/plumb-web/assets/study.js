// What a page counts about its use, sliders with their number fields, and the window's least width. The page works
// without it.
"use strict";
(() => {
  const begun = performance.now();
  const counts = { pastes: 0, times_away: 0, away_ms: 0 };
  let first = null, away = null;
  const form = document.querySelector("form[data-form]");
  for (const kind of ["keydown", "pointerdown"]) {
    document.addEventListener(kind, () => { first ??= Math.round(performance.now() - begun); }, { once: true });
  }
  document.addEventListener("paste", () => { counts.pastes += 1; });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { away = performance.now(); counts.times_away += 1; }
    else if (away !== null) { counts.away_ms += Math.round(performance.now() - away); away = null; }
  });
  window.addEventListener("error", (event) => {
    const what = `${event.message} (${String(event.filename).split("/").pop()}:${event.lineno})`.slice(0, 200);
    navigator.sendBeacon("/report", new URLSearchParams({ what }));
  });
  if (!form) return;

  const least = Number(form.dataset.leastWidth || 0);
  if (least > window.innerWidth) {
    const note = document.createElement("p");
    note.className = "trouble";
    note.setAttribute("role", "alert");
    note.textContent = form.dataset.tooNarrow;
    form.before(note);
    form.hidden = true;
    window.addEventListener("resize", () => { if (window.innerWidth >= least) { note.remove(); form.hidden = false; } });
  }

  for (const slider of document.querySelectorAll("[data-slider]")) {
    const range = slider.querySelector("input");
    const number = document.getElementById(slider.dataset.slider);
    const set = () => { slider.classList.remove("unset"); range.setAttribute("aria-valuetext", number.value); };
    const follow = () => {
      const value = Number(number.value.replace(",", "."));
      if (number.value !== "" && Number.isFinite(value)) { range.value = value; set(); }
    };
    slider.classList.add("unset");
    range.setAttribute("aria-valuetext", "–");
    const places = (range.step.split(".")[1] || "").length;
    const take = () => { number.value = Number(range.value).toFixed(places); set(); };
    range.addEventListener("input", take);
    // A click where the unseen thumb stands changes no value, but means one.
    range.addEventListener("click", take);
    range.addEventListener("keydown", (event) => { if (event.key === " " || event.key === "Enter") { take(); event.preventDefault(); } });
    number.addEventListener("input", follow);
    follow();
    slider.hidden = false;
  }

  form.addEventListener("submit", () => {
    const all = { ...counts, submit_ms: Math.round(performance.now() - begun), window_width: window.innerWidth, window_height: window.innerHeight };
    if (first !== null) all.first_input_ms = first;
    for (const [name, value] of Object.entries(all)) {
      const input = form.querySelector(`input[name="count.${name}"]`) || document.createElement("input");
      input.type = "hidden";
      input.name = `count.${name}`;
      input.value = value;
      form.append(input);
    }
  });
  document.querySelector(".trouble a")?.focus();
})();
