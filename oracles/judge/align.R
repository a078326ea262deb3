# A mixed model of grades on character edit similarity, by lme4 and lmerTest.
# Usage: Rscript align.R scores.csv ratings.csv, the tables that docs/align.md makes of a file of grades.
suppressMessages(library(lmerTest))
files <- commandArgs(TRUE)
scores <- read.csv(files[1]); ratings <- read.csv(files[2])
data <- merge(ratings, scores[c("id", "edit")], by = "id")
data$metric <- (data$edit - mean(scores$edit)) / sd(scores$edit)
fit <- lmer(grade ~ metric + (1 | rater) + (1 | problem) + (1 | id), data, control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10)))
print(summary(fit)$coefficients, digits = 8)
print(VarCorr(fit), comp = "Variance", digits = 6)
