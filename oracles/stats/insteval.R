# Usage: Rscript insteval.R data FILE     writes InstEval (of lme4, GPL-2 or later) as CSV
#        Rscript insteval.R time          fits it by lme4::lmer and prints seconds and the REML criterion
suppressPackageStartupMessages(library(lme4))
args <- commandArgs(TRUE)
if (args[1] == "data") {
  write.csv(InstEval[, c("s", "d", "dept", "service", "y")], args[2], row.names = FALSE, quote = FALSE)
} else {
  seconds <- system.time(m <- lmer(y ~ service + (1 | s) + (1 | d) + (1 | dept), InstEval))[["elapsed"]]
  cat(format(c(seconds, REMLcrit(m)), digits = 12), "\n")
}
