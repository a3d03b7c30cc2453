//! The same program for either engine: fifty components, a hundred systems.

use std::fmt::Write;
use std::path::Path;

const COMPONENTS: usize = 50;
const SYSTEMS: usize = 100;

/// Whose program it is.
#[derive(Clone, Copy)]
pub(crate) enum Engine {
    /// This one, with components that live in memory alone, as bevy's do.
    Ours,
    /// This one, with components that derive what it takes to save them.
    OursSaved,
    Bevy,
}

impl Engine {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ecs",
            Self::OursSaved => "ecs_saved",
            Self::Bevy => "bevy_ecs",
        }
    }

    /// Writes the package's manifest: `wanted` are the dependencies of the
    /// workspace, profiles are as cargo has them.
    ///
    /// Packages of a folder would be compiled incrementally, in many more
    /// pieces than those of a registry: slower, and longer to link. So that
    /// both engines are built as their users build them, no dependency is.
    pub(crate) fn manifest(self, root: &Path, wanted: &str) -> Result<String, String> {
        let line = |name: &str| {
            let starts = format!("{name} = ");
            let line = wanted.lines().find(|line| line.starts_with(&starts));
            line.ok_or_else(|| format!("the workspace does not depend on {name}"))
        };
        let dependencies = match self {
            Self::Ours | Self::OursSaved => {
                let folder = root.join("crates/ecs").display().to_string();
                format!("ecs = {{ path = {folder:?} }}\n{}", line("serde")?)
            }
            Self::Bevy => line("bevy_ecs")?.to_owned(),
        };
        Ok(format!(
            "[package]\nname = \"compile-time-{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [dependencies]\n{dependencies}\n\n[workspace]\n\n\
             [profile.dev.package.\"*\"]\nincremental = false\n",
            self.name().replace('_', "-")
        ))
    }

    /// Writes the program.
    pub(crate) fn source(self) -> String {
        let mut text = String::from(match self {
            Self::Ours | Self::OursSaved => "use ecs::prelude::*;\n",
            Self::Bevy => "use bevy_ecs::prelude::*;\n",
        });
        for number in 0..COMPONENTS {
            let derive = match self {
                Self::OursSaved => {
                    "#[derive(Component, Clone, Debug, serde::Serialize, serde::Deserialize)]"
                }
                Self::Ours => "#[derive(Component, Clone, Debug)]\n#[component(transient)]",
                Self::Bevy => "#[derive(Component, Clone, Debug)]",
            };
            let _ = writeln!(text, "\n{derive}\nstruct C{number}(f32);");
        }
        for number in 0..SYSTEMS {
            text += &self.system(number);
        }
        text += &self.main();
        text
    }

    /// Writes a system over two components, or, every other one, three.
    fn system(self, number: usize) -> String {
        let [a, b, c] = [0, 7 + number / COMPONENTS, 19].map(|step| (number + step) % COMPONENTS);
        let (data, names, sum) = match number % 2 {
            0 => (format!("&mut C{a}, &C{b}"), "a, b", "b.0"),
            _ => (format!("&mut C{a}, &C{b}, &C{c}"), "a, b, c", "b.0 * c.0"),
        };
        let each = match self {
            Self::Ours | Self::OursSaved => format!("query.for_each(|({names})|"),
            Self::Bevy => format!("query.iter_mut().for_each(|(mut {names})|"),
        };
        format!(
            "\nfn system_{number}(mut query: Query<({data})>) {{\n    {each} a.0 += {sum});\n}}\n"
        )
    }

    fn main(self) -> String {
        let (schedule, add) = match self {
            Self::Ours | Self::OursSaved => ("Schedule::new()", "add_system"),
            Self::Bevy => ("Schedule::default()", "add_systems"),
        };
        let mut text = String::from("\nfn main() {\n    let mut world = World::new();\n");
        for number in (0..COMPONENTS).step_by(2) {
            let next = number + 1;
            let _ = writeln!(text, "    world.spawn((C{number}(1.0), C{next}(1.0)));");
        }
        let _ = writeln!(text, "    let mut schedule = {schedule};");
        for number in 0..SYSTEMS {
            let _ = writeln!(text, "    schedule.{add}(system_{number});");
        }
        text + "    schedule.run(&mut world);\n}\n"
    }
}
