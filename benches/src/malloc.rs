//! The rule that every contender's memory is under.

/// Starts the program again with a malloc that keeps what is freed, unless it
/// runs so already.
///
/// glibc's malloc gives memory back to the system, or does not, depending on
/// the sizes of what was freed before; a workload that makes a new world then
/// measures page faults, at random. Every contender runs under the same rule.
///
/// # Panics
/// If the program can't be started again.
pub fn keep_memory() {
    const RULES: [(&str, &str); 3] = [
        ("MALLOC_TRIM_THRESHOLD_", "4000000000"),
        ("MALLOC_MMAP_THRESHOLD_", "4000000000"),
        ("MALLOC_TOP_PAD_", "67108864"),
    ];
    if std::env::var_os(RULES[0].0).is_some() {
        return;
    }
    let program = std::env::current_exe().expect("a program knows its own path");
    let mut again = std::process::Command::new(program);
    let status = again.args(std::env::args_os().skip(1)).envs(RULES).status();
    std::process::exit(status.expect("the program starts again").code().unwrap_or(1));
}
