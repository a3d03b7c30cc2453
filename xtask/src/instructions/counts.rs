//! Counts by benchmark: how they are read and compared.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::report::{StepResult, Verdict};

/// Instructions that a whole benchmark executes, by the benchmark's name.
pub(crate) type Counts = BTreeMap<String, u64>;

/// How much more a benchmark may execute than is kept, in hundredths.
const MARGIN: f64 = 5.0;

/// Reads what the benchmarks print: an object a line.
pub(crate) fn read(lines: &[u8]) -> Result<Counts, String> {
    let mut counts = Counts::new();
    for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let (name, count) = read_line(line).ok_or_else(|| {
            format!("no count in `{}`", String::from_utf8_lossy(&line[..line.len().min(200)]))
        })?;
        if counts.insert(name.clone(), count).is_some() {
            return Err(format!("two benchmarks are called {name}"));
        }
    }
    match counts.is_empty() {
        true => Err("the benchmarks printed nothing".to_owned()),
        false => Ok(counts),
    }
}

fn read_line(line: &[u8]) -> Option<(String, u64)> {
    let summary: Value = serde_json::from_slice(line).ok()?;
    let metrics = &summary["profiles"][0]["data"]["total"]["metrics"];
    let count = metrics["Ir"]["values"]["new"].as_u64()?;
    Some((summary["function_name"].as_str()?.to_owned(), count))
}

/// Prints both counts of every benchmark, and fails where more is executed than
/// the margin allows, or where the names differ.
pub(crate) fn compare(kept: &Counts, counted: &Counts) -> StepResult {
    println!("{:<24} {:>12} {:>12} {:>9}", "benchmark", "kept", "now", "change");
    let mut slower = Vec::new();
    let mut faster = 0;
    let mut unknown = Vec::new();
    for (name, &now) in counted {
        let Some(&before) = kept.get(name) else {
            println!("{name:<24} {:>12} {now:>12}", "");
            unknown.push(name.as_str());
            continue;
        };
        let change = change(before, now);
        println!("{name:<24} {before:>12} {now:>12} {change:>+7.1} %");
        if change > MARGIN {
            slower.push(format!("{name} {change:+.1} %"));
        } else if change < -MARGIN {
            faster += 1;
        }
    }
    unknown.extend(kept.keys().filter(|name| !counted.contains_key(*name)).map(String::as_str));
    if faster > 0 {
        println!("{faster} got faster: `cargo xtask instructions --update` keeps that");
    }
    if !slower.is_empty() {
        return Err(format!("slower: {}", slower.join(", ")));
    }
    if !unknown.is_empty() {
        let names = unknown.join(", ");
        return Err(format!("only kept or only counted (--update keeps all): {names}"));
    }
    Ok(Verdict::Passed)
}

/// How much more `now` is than `before`, in hundredths.
fn change(before: u64, now: u64) -> f64 {
    (now as f64 / before as f64 - 1.0) * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(&str, u64)]) -> Counts {
        pairs.iter().map(|&(name, count)| (name.to_owned(), count)).collect()
    }

    #[test]
    fn only_what_is_slower_than_the_margin_fails() {
        let kept = counts(&[("get", 1_000), ("spawn", 1_000)]);
        assert!(compare(&kept, &counts(&[("get", 1_049), ("spawn", 200)])).is_ok());
        let words = compare(&kept, &counts(&[("get", 1_051), ("spawn", 200)])).err();
        assert_eq!(words.as_deref(), Some("slower: get +5.1 %"));
    }

    #[test]
    fn names_have_to_agree() {
        let one = counts(&[("get", 1_000)]);
        let two = counts(&[("get", 1_000), ("spawn", 1_000)]);
        assert!(compare(&one, &two).is_err());
        assert!(compare(&two, &one).is_err());
    }

    #[test]
    fn a_line_without_a_count_is_refused() {
        let line = r#"{"function_name":"get","profiles":[{"data":{"total":{"metrics":
            {"Ir":{"values":{"new":7}}}}}}]}"#
            .replace('\n', "");
        assert_eq!(read(line.as_bytes()), Ok(counts(&[("get", 7)])));
        assert!(read(format!("{line}\n{line}").as_bytes()).is_err());
        assert!(read(br#"{"function_name":"get"}"#).is_err());
        assert!(read(b"").is_err());
    }
}
