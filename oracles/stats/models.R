# Reference values for linear, mixed and ordinal models, with the data they belong to.
# Usage: Rscript models.R ../../fixtures/stats
# Data sets are those of the R packages lme4 (GPL-2 or later) and ordinal (GPL-2 or later); sources in docs/statistics.md.
suppressPackageStartupMessages({
  library(lme4); library(lmerTest); library(emmeans); library(ordinal); library(car)
  library(clubSandwich); library(effectsize); library(psych); library(jsonlite)
})
out <- commandArgs(TRUE)[1]
save <- function(x, name) {
  x$made_with <- paste(c(R.version.string, sapply(c("lme4","lmerTest","emmeans","ordinal","car","clubSandwich","effectsize","psych"),
    function(p) paste(p, packageVersion(p)))), collapse = "; ")
  writeLines(toJSON(x, digits = 15, auto_unbox = TRUE, na = "null", dataframe = "columns"), file.path(out, name))
}
table_of <- function(d) lapply(d, function(c) if (is.factor(c)) list(levels = I(levels(c)), codes = as.integer(c) - 1L) else as.numeric(c))
anova_rows <- function(a) { a <- as.data.frame(a); a <- a[!rownames(a) %in% c("Residuals", "(Intercept)"), ]
  lapply(seq_len(nrow(a)), function(i) list(term = trimws(rownames(a)[i]),
    df = a[i, intersect(c("NumDF", "Df"), names(a))[1]], f = a[i, intersect(c("F value", "F"), names(a))[1]], p = a[i, "Pr(>F)"],
    residual_df = if ("DenDF" %in% names(a)) a[i, "DenDF"] else NULL)) }

# ---- least squares: unbalanced two-way with a covariate
set.seed(20261125)
n <- 47
d <- data.frame(a = factor(sample(c("a1","a2","a3"), n, TRUE, c(.5,.3,.2))), b = factor(sample(c("b1","b2"), n, TRUE)), x = round(rnorm(n), 3))
d$y <- round(1 + as.integer(d$a) * .4 + as.integer(d$b) * .3 * as.integer(d$a) + .5 * d$x + rnorm(n), 3)
m <- lm(y ~ a * b + x, d)
ms <- lm(y ~ a * b + x, d, contrasts = list(a = contr.sum, b = contr.sum))
em <- emmeans(m, ~ a)
tk <- as.data.frame(pairs(em, adjust = "tukey")); hm <- as.data.frame(pairs(em, adjust = "holm"))
cells <- emmeans(m, ~ a * b)
save(list(data = table_of(d), formula = "y ~ a * b + x",
  coefficients = as.data.frame(summary(m)$coefficients), names = names(coef(m)), sigma = sigma(m), r_squared = summary(m)$r.squared,
  type1 = anova_rows(anova(m)), type2 = anova_rows(Anova(m, type = 2)), type3 = anova_rows(Anova(ms, type = 3)),
  means = as.data.frame(em), pairs_tukey = tk, pairs_holm = hm, cells = as.data.frame(cells),
  tukey = lapply(list(c(3.5,3,20), c(1,2,5), c(4.2,6,40), c(5,10,3), c(2.8,4,Inf), c(3.3,3,2), c(4.0,5,994)), function(v)
    list(q = v[1], k = v[2], df = if (is.infinite(v[3])) 1e9 else v[3], upper = ptukey(v[1], v[2], v[3], lower.tail = FALSE)))), "linear_models.json")

# ---- mixed models
mixed <- function(name, data, formula, reml = TRUE, contrasts3 = NULL) {
  f <- as.formula(formula)
  m <- suppressMessages(suppressWarnings(lmerTest::lmer(f, data, REML = reml, control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = .2, rhoend = 1e-10, maxfun = 1e5)))))
  vc <- as.data.frame(VarCorr(m))
  s <- summary(m)$coefficients
  list(name = name, formula = formula, reml = reml, criterion = if (reml) REMLcrit(m) else deviance(m, REML = FALSE),
    theta = I(as.numeric(getME(m, "theta"))), variances = lapply(seq_len(nrow(vc)), function(i) list(group = vc$grp[i], a = vc$var1[i], b = vc$var2[i], value = vc$vcov[i])),
    names = I(rownames(s)), coefficients = list(Estimate = I(as.numeric(s[, "Estimate"])), SE = I(as.numeric(s[, "Std. Error"])), df = I(as.numeric(s[, "df"])), p = I(as.numeric(s[, ncol(s)]))),
    type3 = if (length(attr(terms(m), "term.labels")) > 0) anova_rows(anova(m, type = 3)) else list(), data = data_name(name))
}
data_name <- function(n) sub(":.*", "", n)
cake$temperature <- factor(cake$temperature, ordered = FALSE)
data(Pastes); data(Penicillin); data(Dyestuff); data(Dyestuff2); data(sleepstudy)
fits <- list(
  mixed("sleepstudy:full", sleepstudy, "Reaction ~ Days + (Days | Subject)"),
  mixed("sleepstudy:ml", sleepstudy, "Reaction ~ Days + (Days | Subject)", FALSE),
  mixed("sleepstudy:double", sleepstudy, "Reaction ~ Days + (Days || Subject)"),
  mixed("sleepstudy:intercept", sleepstudy, "Reaction ~ Days + (1 | Subject)"),
  mixed("Penicillin", Penicillin, "diameter ~ 1 + (1 | plate) + (1 | sample)"),
  mixed("Dyestuff", Dyestuff, "Yield ~ 1 + (1 | Batch)"),
  mixed("Dyestuff:ml", Dyestuff, "Yield ~ 1 + (1 | Batch)", FALSE),
  mixed("Dyestuff2", Dyestuff2, "Yield ~ 1 + (1 | Batch)"),
  mixed("Pastes", Pastes, "strength ~ 1 + (1 | batch) + (1 | sample)"),
  mixed("Pastes:nested", Pastes, "strength ~ 1 + (1 | batch / cask)"),
  mixed("cake", cake, "angle ~ recipe * temperature + (1 | recipe:replicate)"))
m <- lmerTest::lmer(angle ~ recipe * temperature + (1 | recipe:replicate), cake)
pr <- as.data.frame(pairs(emmeans(m, ~ recipe, lmer.df = "satterthwaite"), adjust = "tukey"))
save(list(data = list(sleepstudy = table_of(sleepstudy), Penicillin = table_of(Penicillin), Dyestuff = table_of(Dyestuff), Dyestuff2 = table_of(Dyestuff2),
  Pastes = table_of(Pastes), cake = table_of(cake[, c("replicate", "recipe", "temperature", "angle")])), fits = fits, cake_pairs = pr), "mixed_models.json")

# ---- cluster-robust
set.seed(7)
k <- 12; sizes <- sample(3:9, k, TRUE); g <- factor(rep(seq_len(k), sizes)); z <- rep(rbinom(k, 1, .4), sizes); x <- round(rnorm(sum(sizes)), 3)
y <- round(.5 * z + .3 * x + rep(rnorm(k), sizes) + rnorm(sum(sizes)), 3)
d <- data.frame(y, x, z, g); m <- lm(y ~ x + z, d)
robust <- lapply(c("CR1S", "CR1", "CR2"), function(t) { r <- coef_test(m, vcov = t, cluster = d$g, test = "Satterthwaite"); list(type = t, SE = r$SE, df = r$df_Satt, p = r$p_Satt) })
save(list(data = table_of(d), formula = "y ~ x + z", cluster = "g", fits = robust), "cluster_robust.json")

# ---- ordinal
data(wine)
m <- clm(rating ~ temp + contact, data = wine); mm <- clmm(rating ~ temp + contact + (1 | judge), data = wine)
# Inner iterations to the end give estimates with more digits, but spoil the package's numerical Hessian.
tight <- clmm(rating ~ temp + contact + (1 | judge), data = wine, control = clmm.control(gradTol = 1e-8))
mb <- clmm(rating ~ temp + contact + (1 | judge) + (1 | bottle), data = wine)
one <- function(f) { s <- summary(f)$coefficients; list(log_likelihood = as.numeric(logLik(f)), names = rownames(s), estimate = s[, 1], SE = s[, 2], p = s[, 4]) }
save(list(data = table_of(wine[, c("rating", "temp", "contact", "bottle", "judge")]), clm = one(m), clmm = { o <- one(tight); o$SE <- one(mm)$SE; o$p <- one(mm)$p; o$variance <- as.numeric(VarCorr(tight)$judge); o },
  clmm_two = list(log_likelihood = as.numeric(logLik(mb)), coefficients = as.numeric(coef(mb)), variances = c(as.numeric(VarCorr(mb)$judge), as.numeric(VarCorr(mb)$bottle)))), "ordinal_models.json")

# ---- two groups
set.seed(3)
a <- round(rnorm(17, .3), 2); b <- round(rnorm(23, 0, 1.6), 2); p1 <- round(rnorm(14, .4), 2); p2 <- round(p1 + rnorm(14, .2, .7), 2)
ties_a <- sample(1:5, 20, TRUE); ties_b <- sample(2:6, 25, TRUE)
tt <- function(h) list(t = as.numeric(h$statistic), df = as.numeric(h$parameter), p = h$p.value, low = h$conf.int[1], high = h$conf.int[2])
es <- function(e) list(estimate = e[[1]], low = e$CI_low, high = e$CI_high)
w <- function(h) list(statistic = as.numeric(h$statistic), p = h$p.value)
tab <- matrix(c(12, 5, 9, 7, 11, 3), 2); two <- matrix(c(8, 2, 3, 11), 2)
fi <- fisher.test(two)
save(list(a = a, b = b, p1 = p1, p2 = p2, ties_a = ties_a, ties_b = ties_b,
  student = tt(t.test(a, b, var.equal = TRUE)), welch = tt(t.test(a, b)), paired = tt(t.test(p1, p2, paired = TRUE)), one = tt(t.test(a, mu = .1)),
  d = es(cohens_d(a, b)), g = es(hedges_g(a, b)), d_paired = es(cohens_d(p1 - p2)),
  mann_whitney = w(wilcox.test(a, b)), mann_whitney_ties = w(suppressWarnings(wilcox.test(ties_a, ties_b))),
  signed_rank = w(suppressWarnings(wilcox.test(p1, p2, paired = TRUE))), signed_rank_exact = w(wilcox.test(c(1.1,-.3,2.2,.7,-.9,1.6,3.1,.2))),
  signed_rank_ties = w(suppressWarnings(wilcox.test(c(1,1,2,-1,3,0,-2,4,2,5,1,-3)))),
  chi_square = { h <- chisq.test(tab); list(statistic = as.numeric(h$statistic), df = as.numeric(h$parameter), p = h$p.value) },
  fisher = list(p = fi$p.value, odds_ratio = as.numeric(fi$estimate), low = fi$conf.int[1], high = fi$conf.int[2],
    greater = fisher.test(two, alternative = "greater")$p.value, less = fisher.test(two, alternative = "less")$p.value),
  fisher_skewed = fisher.test(matrix(c(1, 9, 11, 3), 2))$p.value,
  noncentral = lapply(list(c(2.1, 10, 1), c(-.5, 3, .7), c(4, 38, 2.5), c(.3, 120, -1.2), c(30, 790, 28), c(6, 5, 0)), function(v) list(t = v[1], df = v[2], ncp = v[3], cdf = pt(v[1], v[2], v[3]))),
  power = lapply(list(c(20, .5), c(64, .5), c(200, .2), c(10, 1.2)), function(v) list(n = v[1], d = v[2], power = power.t.test(n = v[1], delta = v[2])$power)),
  icc = { r <- ICC(matrix(c(9,2,5,8, 6,1,3,2, 8,4,6,8, 7,1,2,6, 10,5,6,9, 6,2,4,7), ncol = 4, byrow = TRUE), lmer = FALSE)$results
    list(value = r$ICC, f = r$F, df1 = r$df1, df2 = r$df2, p = r$p, low = r$`lower bound`, high = r$`upper bound`) }), "two_groups.json")
