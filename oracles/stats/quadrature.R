# Reference values for ordinal models with the intercepts of people integrated out by adaptive Gauss-Hermite quadrature.
# Run by hand: Rscript quadrature.R ../../fixtures/stats (R 4.2.2, r-cran-ordinal 2022.11-16, r-cran-jsonlite).
#
# Thirty people of two conditions, of whom some leave after one answer or more of five, and the wine data of the package (judges rate
# all eight combinations). 'laplace' is the package's default, nine nodes what plumb-stats takes, fifty the integral itself.
suppressMessages({library(ordinal); library(jsonlite)})
out <- commandArgs(TRUE)[1]
set.seed(20)
people <- 30
answers <- pmin(5, 1 + rgeom(people, .25))
who <- rep(seq_len(people), answers)
help <- rep(rep(0:1, length.out = people), answers)
latent <- .5 * help + 1.5 * rep(rnorm(people), answers) + rlogis(length(who))
c <- findInterval(latent, c(-2, -.6, .7, 2.2))
d <- data.frame(c = factor(c, levels = 0:4), who = factor(who), help)
fit <- function(formula, data, nodes) {
  # Inner iterations to the end give estimates with more digits, but spoil the package's numerical Hessian.
  tight <- clmm(formula, data = data, nAGQ = nodes, control = clmm.control(gradTol = 1e-8))
  loose <- clmm(formula, data = data, nAGQ = nodes)
  list(nodes = nodes, log_likelihood = as.numeric(logLik(tight)), names = names(coef(tight)), estimate = as.numeric(coef(tight)),
    SE = as.numeric(summary(loose)$coefficients[, 2]), variance = as.numeric(VarCorr(tight)[[1]]))
}
all <- function(formula, data) lapply(c(1L, 9L, 50L), function(nodes) fit(formula, data, nodes))
write_json(list(made_with = paste(R.version.string, "ordinal", packageVersion("ordinal")),
  people = list(c = c, who = who - 1, help = help, fits = all(c ~ help + (1 | who), d)),
  wine = list(fits = all(rating ~ temp + contact + (1 | judge), wine))),
  file.path(out, "ordinal_quadrature.json"), auto_unbox = TRUE, digits = 12)
