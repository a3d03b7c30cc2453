//! How long programs take to compile that use this engine, or bevy_ecs.

mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use crate::command::{cargo, run};
use crate::report::{Report, StepResult, Verdict};
use crate::workspace;
use program::Engine;

/// Builds from nothing of which the median is taken.
const BUILDS: usize = 3;

/// Rebuilds of which the median is taken.
const REBUILDS: usize = 9;

/// Times the programs in both profiles, and prints a table.
pub(crate) fn measure(report: &mut Report) {
    report.step("compile time", || {
        let home = workspace::target()?.join("compile-time");
        let programs = [Engine::Ours, Engine::OursSaved, Engine::Bevy]
            .map(|engine| Program { engine, folder: home.join(engine.name()) });
        for program in &programs {
            program.write()?;
        }
        let version = workspace::locked_version("bevy_ecs")?;
        let mut lines = vec![format!(
            "| build | this engine | saved | bevy_ecs {version} |\n|---|--:|--:|--:|"
        )];
        for profile in ["dev", "release"] {
            let anew = in_turn(&programs, BUILDS, |program| program.anew(profile))?;
            lines.push(line(&format!("{profile}, from nothing"), &anew, 1));
            let again = in_turn(&programs, REBUILDS, |program| program.again(profile))?;
            lines.push(line(&format!("{profile}, the program alone"), &again, 2));
        }
        let mut packages = String::from("| packages compiled |");
        for program in &programs {
            packages += &format!(" {} |", program.packages()?);
        }
        lines.push(packages);
        println!("\n{}", lines.join("\n"));
        Ok(Verdict::Passed)
    });
}

/// Builds each program so many times, the programs in turn, and returns the
/// median time of each.
fn in_turn(
    programs: &[Program; 3],
    builds: usize,
    mut build: impl FnMut(&Program) -> Result<f64, String>,
) -> Result<[f64; 3], String> {
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..builds {
        for (program, times) in programs.iter().zip(&mut times) {
            times.push(build(program)?);
        }
    }
    Ok(times.map(median))
}

/// A generated package, below the target folder.
struct Program {
    engine: Engine,
    folder: PathBuf,
}

impl Program {
    /// Writes its files, with the versions that the workspace is locked to, and
    /// sees that no download will be timed.
    fn write(&self) -> StepResult {
        let write = |name: &str, text: &str| {
            let file = self.folder.join(name);
            fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))
        };
        let source = self.folder.join("src");
        fs::create_dir_all(&source).map_err(|error| format!("{}: {error}", source.display()))?;
        let root = workspace::root();
        let read = |name: &str| {
            fs::read_to_string(root.join(name)).map_err(|error| format!("{name}: {error}"))
        };
        write("Cargo.toml", &self.engine.manifest(root, &read("Cargo.toml")?)?)?;
        write("Cargo.lock", &read("Cargo.lock")?)?;
        write("src/main.rs", &self.engine.source())?;
        run(cargo(["fetch", "--manifest-path"]).arg(self.folder.join("Cargo.toml")))
    }

    /// Times a build with nothing built before.
    fn anew(&self, profile: &str) -> Result<f64, String> {
        let built = self.folder.join("target");
        if built.exists() {
            fs::remove_dir_all(&built).map_err(|error| format!("{}: {error}", built.display()))?;
        }
        self.build(profile)
    }

    /// Times a build after only the program's file was written once more.
    fn again(&self, profile: &str) -> Result<f64, String> {
        let file = self.folder.join("src/main.rs");
        fs::write(&file, self.engine.source())
            .map_err(|error| format!("{}: {error}", file.display()))?;
        self.build(profile)
    }

    fn build(&self, profile: &str) -> Result<f64, String> {
        let mut build = cargo(["build", "--quiet", "--offline", "--profile", profile]);
        build.arg("--manifest-path").arg(self.folder.join("Cargo.toml"));
        build.arg("--target-dir").arg(self.folder.join("target"));
        let start = Instant::now();
        run(&mut build)?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// Counts the packages that are compiled, the program among them.
    fn packages(&self) -> Result<usize, String> {
        let mut tree = cargo(["tree", "--offline", "--prefix=none", "--edges=normal,build"]);
        tree.arg("--manifest-path").arg(self.folder.join("Cargo.toml"));
        let output =
            tree.output().map_err(|error| format!("cargo could not be started: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let names: BTreeSet<_> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
        Ok(names.len())
    }
}

/// Writes seconds as a line of the table.
fn line(build: &str, seconds: &[f64], digits: usize) -> String {
    let cells: String = seconds.iter().map(|time| format!(" {time:.digits$} s |")).collect();
    format!("| {build} |{cells}")
}

/// Returns the middle one of an odd number of times.
fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
