# Levels of looks by spending functions, and errors clustered by two crossed factors.
# Usage: Rscript sequential.R ../../fixtures/stats
suppressPackageStartupMessages({ library(rpact); library(jsonlite) })
out <- commandArgs(TRUE)[1]
cases <- list(c(.5, 1), c(.25, .5, .75, 1), c(.1, .3, .62, .9, 1), c(1/3, 2/3, 1), c(.05, .95, 1), c(.2, .4, .6, .8, 1))
one <- function(name, type, alpha, shares) {
  d <- getDesignGroupSequential(sided = 2, alpha = alpha, typeOfDesign = type, informationRates = shares, kMax = length(shares))
  list(spending = name, alpha = alpha, shares = I(shares), bounds = I(d$criticalValues), spent = I(d$alphaSpent))
}
designs <- unlist(lapply(cases, function(s) unlist(lapply(c(.05, .01), function(a)
  list(one("obrien-fleming", "asOF", a, s), one("pocock", "asP", a, s))), recursive = FALSE)), recursive = FALSE)
made <- paste(c(R.version.string, paste("rpact", packageVersion("rpact"))), collapse = "; ")
writeLines(toJSON(list(made_with = made, designs = designs), digits = 12, auto_unbox = TRUE), file.path(out, "sequential.json"))
