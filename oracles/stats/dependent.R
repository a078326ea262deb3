# Reference values of tests of dependent correlations, from psych's r.test.
# Usage: Rscript dependent.R FOLDER. Writes dependent.json.
suppressMessages(library(psych))
cases <- list(c(.5, .4, .1, 103), c(.6, .3, .5, 40), c(-.2, .35, .1, 25), c(.8, .78, .95, 472), c(.1, .1, .3, 50))
line <- function(v) {
  w <- r.test(n = v[4], r12 = v[1], r13 = v[2], r23 = v[3])
  # Variables 1 = a, 2 = y, 3 = b, 4 = y: r24 = 1 makes both correlations share y. psych pools r12 and r34 in the
  # covariance; where y is shared r14 is r12 and r23 is r34, so they are pooled as well (Steiger 1980, eq. 14).
  pooled <- (v[1] + v[2]) / 2
  s <- r.test(n = v[4], r12 = v[1], r34 = v[2], r23 = pooled, r13 = v[3], r14 = pooled, r24 = 1)
  sprintf('{"a_y": %.15g, "b_y": %.15g, "a_b": %.15g, "n": %d, "williams_t": %.15g, "williams_p": %.15g, "steiger_z": %.15g, "steiger_p": %.15g}',
    v[1], v[2], v[3], as.integer(v[4]), w$t, w$p, s$z, s$p)
}
text <- paste0('{"made_by": "oracles/stats/dependent.R", "versions": {"R": "', getRversion(), '", "psych": "',
  packageVersion("psych"), '"}, "cases": [\n', paste(sapply(cases, line), collapse = ",\n"), '\n]}')
writeLines(text, file.path(commandArgs(TRUE)[1], "dependent.json"))
