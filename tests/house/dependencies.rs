//! docs/dependencies.md lists the dependencies of Cargo.toml, the crates that each brings, and those
//! that are there in two versions. Licenses are those that deny.toml allows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The crates of a build for x86-64 Linux, by name and version.
struct Graph {
    uses: BTreeMap<String, BTreeSet<String>>,
    licenses: BTreeMap<String, String>,
    direct: BTreeSet<String>,
}

impl Graph {
    fn load() -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["tree", "--offline", "--locked", "--edges", "normal,build"])
            .args(["--target", "x86_64-unknown-linux-gnu", "--prefix", "depth"])
            .args(["--format", " {p}\t{l}"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let mut graph =
            Self { uses: <_>::default(), licenses: <_>::default(), direct: <_>::default() };
        let mut path: Vec<String> = Vec::new();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let (depth, rest) = line.split_once(' ').expect("a depth");
            let (package, license) = rest.split_once('\t').expect("a license");
            let depth: usize = depth.parse().expect("a number");
            let package = package.split(" (").next().unwrap().to_owned();
            path.truncate(depth);
            if let Some(user) = path.last() {
                graph.uses.entry(user.clone()).or_default().insert(package.clone());
            }
            if depth == 1 {
                graph.direct.insert(package.clone());
            }
            let license = license.trim_end_matches(" (*)").to_owned();
            graph.licenses.insert(package.clone(), license);
            path.push(package);
        }
        graph
    }

    /// Returns the crates that a crate needs, and itself.
    fn closure(&self, of: &str) -> BTreeSet<&str> {
        let mut all = BTreeSet::new();
        let mut next = vec![of];
        while let Some(package) = next.pop() {
            if let Some((package, uses)) = self.uses.get_key_value(package) {
                if all.insert(package.as_str()) {
                    next.extend(uses.iter().map(String::as_str));
                }
            } else {
                all.insert(self.licenses.get_key_value(package).unwrap().0.as_str());
            }
        }
        all
    }
}

fn name(package: &str) -> &str {
    package.split(' ').next().unwrap()
}

/// Returns the cells of a table whose first heading is `first`.
fn table(page: &str, first: &str) -> Vec<Vec<String>> {
    let start = format!("| {first} |");
    let lines = page.lines().skip_while(|line| !line.starts_with(&start)).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|it| it.trim().to_owned()).collect())
        .collect()
}

#[test]
fn the_table_of_dependencies_is_that_of_cargo() {
    let graph = Graph::load();
    let manifest = read("Cargo.toml");
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let declared: BTreeSet<_> =
        section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    assert!(declared.len() > 30, "dependencies were looked for in the wrong place");
    let rows = table(&read("docs/dependencies.md"), "crate");
    let listed: BTreeSet<_> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(declared, listed);
    for row in &rows {
        let crate_name = row[0].trim_matches('`');
        let package = graph.direct.iter().find(|package| name(package) == crate_name);
        let package = package.unwrap_or_else(|| panic!("{crate_name} is not built"));
        let brings = graph.closure(package);
        let others: BTreeSet<_> = graph.direct.iter().filter(|other| *other != package).collect();
        let of_others: BTreeSet<_> =
            others.into_iter().flat_map(|other| graph.closure(other)).collect();
        let alone = brings.iter().filter(|one| !of_others.contains(*one)).count();
        // Without itself.
        let (all, alone) = (brings.len() - 1, alone.saturating_sub(1));
        assert_eq!(row[2..4], [all.to_string(), alone.to_string()], "{crate_name}: crates, alone");
    }
}

#[test]
fn each_crate_in_two_versions_is_explained() {
    let graph = Graph::load();
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for package in graph.licenses.keys() {
        *versions.entry(name(package)).or_default() += 1;
    }
    let twice: BTreeSet<_> =
        versions.into_iter().filter(|(_, versions)| *versions > 1).map(|(name, _)| name).collect();
    let rows = table(&read("docs/dependencies.md"), "duplicate");
    let explained: BTreeSet<_> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(twice, explained);
}

#[test]
fn licenses_are_those_that_are_allowed() {
    let policy = read("deny.toml");
    let allowed: BTreeSet<_> = policy
        .lines()
        .find_map(|line| line.strip_prefix("allow = ["))
        .expect("the allowed licenses")
        .split('"')
        .skip(1)
        .step_by(2)
        .collect();
    let graph = Graph::load();
    for (package, license) in &graph.licenses {
        if policy.contains(&format!("{{ crate = \"{}\", allow = [\"{license}\"] }}", name(package)))
        {
            continue;
        }
        // Of alternatives, one is enough. `A/B` is an old form of `A OR B`.
        let spelled = license.replace('/', " OR ");
        let is_allowed = |one: &str| allowed.contains(one.trim_matches(['(', ')', ' ']));
        let is_met = spelled.split(" AND ").all(|part| part.split(" OR ").any(is_allowed));
        assert!(is_met, "{package}: {license}");
    }
    assert!(graph.licenses.len() > 100, "crates were looked for in the wrong place");
}
