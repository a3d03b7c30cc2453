//! What entities and archetypes weigh, beside hecs and bevy_ecs.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    weighing::main()
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() {
    eprintln!("only glibc says how much of its heap is in use");
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod weighing {
    use std::error::Error;
    use std::fs::File;
    use std::io::{BufWriter, stdout};
    use std::path::PathBuf;
    use std::process::{Command, Stdio};

    use clap::Parser;
    use ecs_benches::figure;
    use ecs_benches::figures::{read_json, write_json};
    use ecs_benches::footprint::{Counts, ENGINES, Weight, weigh};

    /// Weighs this engine, hecs and bevy_ecs, each in a process of its own.
    #[derive(Parser)]
    struct Arguments {
        /// Entities, where one entity is weighed.
        #[arg(long, value_name = "N", default_value_t = 1_000_000)]
        entities: usize,
        /// Archetypes, where one archetype is weighed.
        #[arg(long, value_name = "N", default_value_t = 10_000,
            value_parser = clap::value_parser!(u32).range(1..=131_072))]
        archetypes: u32,
        /// Entities before nine tenths of them are despawned.
        #[arg(long, value_name = "N", default_value_t = 10_000_000)]
        peak: usize,
        /// Writes the figures to a file, one JSON object a line.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Takes the figures from a file that `--json` wrote, and weighs nothing.
        #[arg(long, value_name = "FILE", conflicts_with = "json")]
        from: Option<PathBuf>,
        /// Weighs one engine in this process, and prints JSON.
        #[arg(long, value_name = "NAME", conflicts_with_all = ["json", "from"])]
        engine: Option<String>,
    }

    pub(super) fn main() -> Result<(), Box<dyn Error>> {
        let arguments = Arguments::parse();
        if let Some(engine) = &arguments.engine {
            let counts = Counts {
                entities: arguments.entities,
                archetypes: arguments.archetypes as usize,
                peak: arguments.peak,
            };
            let weights =
                weigh(engine, counts).ok_or(format!("{engine} is none of {ENGINES:?}"))?;
            return Ok(write_json(stdout(), &weights)?);
        }
        let weights = match &arguments.from {
            Some(file) => read_json(file)?,
            None => arguments.ask_all()?,
        };
        if let Some(file) = &arguments.json {
            write_json(BufWriter::new(File::create(file)?), &weights)?;
        }
        print(&weights);
        Ok(())
    }

    impl Arguments {
        /// Starts this program once an engine, so that none inherits another's heap.
        fn ask_all(&self) -> Result<Vec<Weight>, Box<dyn Error>> {
            let mut weights = Vec::new();
            for engine in ENGINES {
                let mut again = Command::new(std::env::current_exe()?);
                again.args(["--engine", engine]);
                again.arg("--entities").arg(self.entities.to_string());
                again.arg("--archetypes").arg(self.archetypes.to_string());
                again.arg("--peak").arg(self.peak.to_string());
                let output = again.stderr(Stdio::inherit()).output()?;
                if !output.status.success() {
                    return Err(format!("{engine}: {}", output.status).into());
                }
                for weight in serde_json::Deserializer::from_slice(&output.stdout).into_iter() {
                    weights.push(weight?);
                }
            }
            Ok(weights)
        }
    }

    fn print(weights: &[Weight]) {
        println!("| live heap (resident) | {} |", ENGINES.join(" | "));
        println!("|---|{}", "--:|".repeat(ENGINES.len()));
        let ours = weights.iter().filter(|weight| weight.engine == ENGINES[0]);
        for what in ours.map(|weight| &weight.what) {
            let cells = ENGINES.map(|engine| {
                let mut weights = weights.iter();
                let same = |weight: &&Weight| weight.engine == engine && weight.what == *what;
                weights.find(same).map_or("-".to_owned(), cell)
            });
            println!("| {what} | {} |", cells.join(" | "));
        }
    }

    /// Writes bytes where one of many was weighed, else the whole in MB.
    fn cell(weight: &Weight) -> String {
        let mega = |bytes: usize| figure(bytes as f64 / 1e6);
        match (weight.count, weight.resident) {
            (1, Some(resident)) => format!("{} ({}) MB", mega(weight.live), mega(resident)),
            (1, None) => format!("{} MB", mega(weight.live)),
            (count, _) => format!("{} bytes", figure(weight.live as f64 / count as f64)),
        }
    }
}
