//! Everything that a run leaves, written together.

use std::path::Path;

use crate::atomic_file::AtomicFile;
use crate::error::Error;
use crate::number::grouped;
use crate::picture::curve;
use crate::picture::map::{self, Dot, Route};

use super::arrivals::{self, Arrival};
use super::series::{self, DayCounts};
use super::summary::Summary;

/// What a run found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The numbers.
    pub summary: Summary,
    /// The states by day.
    pub series: Vec<DayCounts>,
    /// The airports with a catchment.
    pub arrivals: Vec<Arrival>,
    /// The cities.
    pub dots: Vec<Dot>,
    /// The routes between airports.
    pub routes: Vec<Route>,
}

impl Report {
    /// Writes `summary.json`, `series.csv`, `arrivals.csv`, `curve.png` and `map.png`,
    /// and with the feature `parquet` `series.parquet`.
    ///
    /// None is put in its place before all are written.
    ///
    /// # Errors
    /// When the system refuses to write.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let subtitle = self.subtitle();
        let (curve, map) = rayon::join(
            || {
                let title = "An epidemic carried by real flights";
                curve::draw(&self.series, title, &subtitle).into_png()
            },
            || {
                let title = "When the epidemic came to which city";
                map::draw(&self.dots, &self.routes, title, &subtitle).into_png()
            },
        );
        let files = [
            ("series.csv", series::to_csv(&self.series)),
            ("arrivals.csv", arrivals::to_csv(&self.arrivals)),
            ("curve.png", curve),
            ("map.png", map),
            #[cfg(feature = "parquet")]
            ("series.parquet", super::series_parquet::to_parquet(&self.series)),
            // Whoever finds it finds the others.
            ("summary.json", self.summary.to_json()),
        ];
        let written: Vec<AtomicFile> = files
            .iter()
            .map(|(name, bytes)| AtomicFile::write(&folder.join(name), bytes))
            .collect::<Result<_, _>>()?;
        written.into_iter().try_for_each(AtomicFile::put)
    }

    fn subtitle(&self) -> String {
        let Summary { people, days, r0, seed, attack_rate, .. } = &self.summary;
        format!(
            "{} people · {days} days · R0 {r0} · seed {seed} · {:.1} % ever infected",
            grouped((*people).into()),
            100.0 * attack_rate
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let summary = super::super::summary::tests::summary(1, 0.9);
        Report {
            summary,
            series: Vec::new(),
            arrivals: Vec::new(),
            dots: Vec::new(),
            routes: Vec::new(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn all_files_are_left() {
        let folder = tempfile::tempdir().unwrap();
        report().write(folder.path()).unwrap();
        let mut wanted = vec!["arrivals.csv", "curve.png", "map.png", "series.csv", "summary.json"];
        if cfg!(feature = "parquet") {
            wanted.insert(4, "series.parquet");
        }
        assert_eq!(names(folder.path()), wanted);
    }

    #[test]
    fn a_folder_that_is_gone_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = report().write(&folder.path().join("gone")).unwrap_err();
        assert!(
            error.to_string().contains("gone/") && error.to_string().contains(": cannot write it")
        );
        assert!(names(folder.path()).is_empty());
    }
}
