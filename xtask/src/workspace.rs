//! What the workspace consists of, as cargo tells it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::cargo;

/// The folder of the repository.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("this package lies in the workspace's folder")
}

/// Features that are off by default, for checks of everything.
pub(crate) const EXTRA_FEATURES: [&str; 2] = [
    "--features",
    "ecs/lz4,ecs/zstd,ecs-arrow/parquet,ecs-examples/parquet,ecs-examples/postgres,\
     ecs-postgres/tls,ecs-test-postgres/tls",
];

/// A package of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, relative to [`root`].
    pub(crate) folder: PathBuf,
    pub(crate) targets: Vec<Target>,
}

/// Something that a package builds.
pub(crate) struct Target {
    pub(crate) name: String,
    /// In cargo's words: `lib`, `proc-macro`, `bin`, `example`, `test`, `bench`.
    pub(crate) kind: String,
}

impl Package {
    /// The names of the targets of one kind.
    pub(crate) fn targets_of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.targets.iter().filter(move |target| target.kind == kind).map(|t| t.name.as_str())
    }
}

/// Lists the packages of the workspace.
pub(crate) fn packages() -> Result<Vec<Package>, String> {
    let metadata = metadata()?;
    let packages = metadata["packages"].as_array();
    packages
        .and_then(|packages| packages.iter().map(read_package).collect())
        .ok_or("cargo metadata has an unknown form".to_owned())
}

/// The folder that cargo builds in.
pub(crate) fn target() -> Result<PathBuf, String> {
    let metadata = metadata()?;
    let folder = metadata["target_directory"].as_str().map(PathBuf::from);
    folder.ok_or("cargo metadata has an unknown form".to_owned())
}

/// The version of a dependency that the lock file names.
pub(crate) fn locked_version(package: &str) -> Result<String, String> {
    let output = cargo(["pkgid", package])
        .output()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    let id = String::from_utf8_lossy(&output.stdout);
    let version = id.trim().rsplit(['#', '@']).next().filter(|version| !version.is_empty());
    version.map(str::to_owned).ok_or(format!("the lock file does not name {package}"))
}

fn metadata() -> Result<Value, String> {
    let output = cargo(["metadata", "--no-deps", "--format-version=1"])
        .output()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

fn read_package(package: &Value) -> Option<Package> {
    let manifest = Path::new(package["manifest_path"].as_str()?);
    let folder = manifest.parent()?.strip_prefix(root()).ok()?.to_owned();
    let targets = package["targets"].as_array()?.iter().map(read_target).collect::<Option<_>>()?;
    Some(Package { name: package["name"].as_str()?.to_owned(), folder, targets })
}

fn read_target(target: &Value) -> Option<Target> {
    let kind = target["kind"].as_array()?.first()?.as_str()?;
    Some(Target { name: target["name"].as_str()?.to_owned(), kind: kind.to_owned() })
}
