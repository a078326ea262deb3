//! Parquet: every column optional, texts as UTF-8 strings, Snappy, a row group every so many rows.

use super::{Column, Kind, Sink, Value};
use crate::exit::Problem;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::fs::File;
use std::sync::Arc;

/// Rows in a group: enough to compress well, few enough to hold.
const GROUP: usize = 10_000;

pub struct Parquet {
    out: SerializedFileWriter<File>,
    kinds: Vec<Kind>,
    rows: Vec<Vec<Value>>,
}

fn wrong(error: parquet::errors::ParquetError) -> Problem {
    Problem::new(format!("the table cannot be written: {error}"))
}

fn schema(columns: &[Column]) -> Result<Type, parquet::errors::ParquetError> {
    let fields = columns
        .iter()
        .map(|column| {
            let (physical, logical) = match column.kind {
                Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
                Kind::Whole => (Physical::INT64, None),
                Kind::Number => (Physical::DOUBLE, None),
            };
            let field = Type::primitive_type_builder(&column.name, physical)
                .with_logical_type(logical)
                .with_repetition(Repetition::OPTIONAL)
                .build()?;
            Ok(Arc::new(field))
        })
        .collect::<Result<Vec<_>, parquet::errors::ParquetError>>()?;
    Type::group_type_builder("trials").with_fields(fields).build()
}

impl Parquet {
    pub fn new(file: File, columns: &[Column]) -> Result<Parquet, Problem> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let schema = Arc::new(schema(columns).map_err(wrong)?);
        let out = SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(wrong)?;
        Ok(Parquet { out, kinds: columns.iter().map(|c| c.kind).collect(), rows: Vec::new() })
    }

    fn group(&mut self) -> Result<(), parquet::errors::ParquetError> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        let mut group = self.out.next_row_group()?;
        let mut at = 0;
        while let Some(mut column) = group.next_column()? {
            let cells = || rows.iter().map(|row| &row[at]);
            let present: Vec<i16> = cells().map(|v| i16::from(*v != Value::None)).collect();
            match self.kinds[at] {
                Kind::Text => {
                    let values: Vec<ByteArray> = cells()
                        .filter_map(|v| match v {
                            Value::Text(text) => Some(text.as_bytes().to_vec().into()),
                            _ => None,
                        })
                        .collect();
                    column.typed::<ByteArrayType>().write_batch(&values, Some(&present), None)?;
                }
                Kind::Whole => {
                    let whole = |v: &Value| if let Value::Whole(n) = v { Some(*n) } else { None };
                    let values: Vec<i64> = cells().filter_map(whole).collect();
                    column.typed::<Int64Type>().write_batch(&values, Some(&present), None)?;
                }
                Kind::Number => {
                    let number = |v: &Value| if let Value::Number(x) = v { Some(*x) } else { None };
                    let values: Vec<f64> = cells().filter_map(number).collect();
                    column.typed::<DoubleType>().write_batch(&values, Some(&present), None)?;
                }
            }
            column.close()?;
            at += 1;
        }
        group.close()?;
        Ok(())
    }
}

impl Sink for Parquet {
    fn row(&mut self, row: Vec<Value>) -> Result<(), Problem> {
        self.rows.push(row);
        if self.rows.len() == GROUP { self.group().map_err(wrong) } else { Ok(()) }
    }

    fn end(mut self: Box<Self>) -> Result<(), Problem> {
        self.group().map_err(wrong)?;
        self.out.close().map_err(wrong)?;
        Ok(())
    }
}
