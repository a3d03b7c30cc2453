//! The course of the epidemic by day, as a Parquet file.

use std::sync::Arc;

use ecs_arrow::arrow_array::{ArrayRef, RecordBatch, UInt32Array};

use super::series::{DayCounts, HEADER};

/// Writes the rows as Parquet, with the columns of `series.csv`.
#[must_use]
pub fn to_parquet(series: &[DayCounts]) -> Vec<u8> {
    let counts: [fn(&DayCounts) -> u32; 7] = [
        |day| day.day,
        |day| day.susceptible,
        |day| day.exposed,
        |day| day.infectious,
        |day| day.recovered,
        |day| day.in_flight,
        |day| day.new_infections,
    ];
    let columns = HEADER.iter().zip(counts).map(|(name, count)| {
        let numbers: ArrayRef = Arc::new(UInt32Array::from_iter_values(series.iter().map(count)));
        (name, numbers)
    });
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one series are as long");
    let mut file = Vec::new();
    ecs_arrow::parquet::write(&mut file, batch.schema(), [batch])
        .expect("writing to memory succeeds");
    file
}

#[cfg(test)]
mod tests {
    use ecs_arrow::arrow_array::cast::AsArray;
    use ecs_arrow::arrow_array::types::UInt32Type;

    use super::*;

    #[test]
    fn the_columns_are_those_of_the_csv() {
        let day = |day| DayCounts {
            day,
            susceptible: 90,
            exposed: 3,
            infectious: 5,
            recovered: 2,
            in_flight: 1,
            new_infections: 4,
        };
        let batches = ecs_arrow::parquet::read(to_parquet(&[day(1), day(2)])).unwrap();
        let [batch] = &*batches else { panic!("one batch") };
        let columns = HEADER.map(|name| batch.column_by_name(name).unwrap());
        let first = columns.map(|column| column.as_primitive::<UInt32Type>().value(0));
        assert_eq!(first, [1, 90, 3, 5, 2, 1, 4]);
        assert_eq!((batch.num_columns(), batch.num_rows()), (7, 2));
    }

    #[test]
    fn a_series_without_days_is_a_file_without_rows() {
        assert!(ecs_arrow::parquet::read(to_parquet(&[])).unwrap().is_empty());
    }
}
