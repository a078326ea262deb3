//! What a journal's rows refer to: for the audit. SQLite would check some of it on every insert; a journal is
//! written by one program and checked when somebody doubts it.

use super::Journal;
use crate::error::Result;
use crate::journal::insert::ANSWERED;
use crate::plan::Plan;

impl Journal {
    /// Rows that refer to nothing, or to what is not theirs; in words.
    pub(crate) fn loose_ends(&self, plan: &Plan) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut count = |sql: &str, what: &str| -> Result<()> {
            let rows: i64 = self.conn.query_row(sql, [], |r| r.get(0))?;
            if rows > 0 {
                found.push(format!("{rows} {what}"));
            }
            Ok(())
        };
        count(
            &format!(
                "SELECT COUNT(*) FROM observed WHERE outcome = {ANSWERED} AND (answer IS NULL OR answer NOT IN (SELECT id FROM bodies))"
            ),
            "answered trials have no answer stored",
        )?;
        for (table, column, of) in [
            ("observed", "reasoning", "bodies"),
            ("steps", "reply", "bodies"),
            ("events", "body", "bodies"),
            ("observed", "reason", "strings"),
            ("observed", "served", "strings"),
            ("judged", "reason", "strings"),
            ("judged", "note", "strings"),
        ] {
            count(
                &format!(
                    "SELECT COUNT(*) FROM {table} WHERE {column} IS NOT NULL AND {column} NOT IN (SELECT id FROM {of})"
                ),
                &format!("rows of `{table}` name a text as `{column}` that is not stored"),
            )?;
        }
        count(
            "SELECT COUNT(*) FROM judged j LEFT JOIN observed o ON o.writer = j.of_writer AND o.seq = j.of_seq
             WHERE o.seq IS NULL OR o.item <> j.item OR o.subject <> j.subject OR o.rep <> j.rep",
            "verdicts are about no observation, or about another trial's",
        )?;
        count(
            "SELECT COUNT(*) FROM judged WHERE verdict NOT BETWEEN 0 AND 3",
            "verdicts are of no known kind",
        )?;
        count(
            "SELECT COUNT(*) FROM judged WHERE (verdict = 1 AND label IS NULL) OR (verdict = 0 AND score IS NULL)",
            "verdicts have no value",
        )?;
        for (judge, spec) in plan.judges.iter().enumerate() {
            for (measure, m) in spec.measures.iter().enumerate() {
                let labels = m.scale.labels().len();
                count(
                    &format!(
                        "SELECT COUNT(*) FROM judged WHERE judge = {judge} AND measure = {measure} AND (label < 0 OR label >= {labels})"
                    ),
                    &format!(
                        "verdicts of {}.{} have a label that the measure does not know",
                        spec.name, m.name
                    ),
                )?;
            }
        }
        if !self.names_fit(plan)? {
            found.push("the names that the views show are not the plan's".into());
        }
        Ok(found)
    }

    /// Whether the tables of names, which only the views read, are what the plan says.
    fn names_fit(&self, plan: &Plan) -> Result<bool> {
        let texts = |sql: &str| -> Result<Vec<String>> {
            let mut statement = self.conn.prepare(sql)?;
            Ok(statement.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?)
        };
        let items: Vec<&str> = plan.items.iter().map(|i| i.id.as_str()).collect();
        let subjects: Vec<&str> = plan.subjects.iter().map(|s| s.id.as_str()).collect();
        let measures: Vec<String> = plan
            .judges
            .iter()
            .flat_map(|j| j.measures.iter().map(move |m| format!("{}.{}", j.name, m.name)))
            .collect();
        Ok(texts("SELECT id FROM item_names ORDER BY ix")? == items
            && texts("SELECT id FROM subject_names ORDER BY ix")? == subjects
            && texts("SELECT judge_name || '.' || name FROM measure_names ORDER BY judge, measure")?
                == measures)
    }
}
