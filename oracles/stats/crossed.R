# Reference values of variances where two kinds of clusters cross, from sandwich's vcovCL.
# Usage: Rscript crossed.R FOLDER. Writes crossed_variance.json.
#
# A weighted mean is the intercept of a weighted least-squares fit. vcovCL by two kinds adds the variances by each and takes off
# that by both together (Cameron, Gelbach & Miller 2011), each with its own factor G / (G - 1) (cadjust), and no further
# correction (type HC0). Rows that no other shares person and item with are clusters of their own, as in the crossed design here.
suppressMessages(library(sandwich))
set.seed(20260711)
quote_all <- function(v, digits = 17) paste0("[", paste(formatC(v, digits = digits, format = "g"), collapse = ", "), "]")
case <- function(people, items, share, spread, weighted) {
  all <- expand.grid(person = seq_len(people), item = seq_len(items))
  d <- all[runif(nrow(all)) < share, ]
  d$y <- 3 + spread[1] * rnorm(people)[d$person] + spread[2] * rnorm(items)[d$item] + rnorm(nrow(d))
  of_item <- if (weighted) round(runif(items, 0.5, 4), 2) else rep(1, items)
  d$w <- of_item[d$item]
  fit <- lm(y ~ 1, data = d, weights = w)
  se <- function(cluster) sqrt(vcovCL(fit, cluster = cluster, type = "HC0", cadjust = TRUE)[1, 1])
  sprintf('{"person": %s, "item": %s, "y": %s, "w": %s,\n "mean": %.15g, "by_person": %.15g, "by_item": %.15g, "by_both": %.15g}',
    quote_all(d$person - 1), quote_all(d$item - 1), quote_all(d$y), quote_all(d$w), coef(fit)[[1]],
    se(d$person), se(d$item), se(d[, c("person", "item")]))
}
cases <- c(
  case(14, 9, 0.6, c(0.8, 0.6), FALSE),
  case(14, 9, 0.6, c(0.8, 0.6), TRUE),
  case(30, 6, 0.9, c(1.5, 0.2), TRUE),
  case(8, 40, 0.4, c(0.3, 1.1), TRUE)
)
text <- paste0('{"made_by": "oracles/stats/crossed.R", "versions": {"R": "', getRversion(), '", "sandwich": "',
  packageVersion("sandwich"), '"}, "cases": [\n', paste(cases, collapse = ",\n"), "\n]}")
writeLines(text, file.path(commandArgs(TRUE)[1], "crossed_variance.json"))
