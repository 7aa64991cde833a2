//! `[config]` of a case: free-form, read through accessors that say what was missing where.

use toml::Value;

/// Why a setting could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The case does not hold the key.
    #[error("failed to find `config.{key}` ({expected}) in case {case}")]
    Missing {
        /// `system/case`.
        case: String,
        /// The key.
        key: String,
        /// Type that the caller needs.
        expected: &'static str,
    },
    /// The key holds something else.
    #[error("failed to read `config.{key}` of case {case} as {expected}: it holds {found}")]
    Type {
        /// `system/case`.
        case: String,
        /// The key.
        key: String,
        /// Type that the caller needs.
        expected: &'static str,
        /// Type that is there.
        found: &'static str,
    },
}

/// The settings of one case under the original's names.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    case: String,
    table: toml::Table,
}

impl Config {
    pub(super) const fn new(case: String, table: toml::Table) -> Self {
        Self { case, table }
    }

    /// Returns whether the case holds `key`.
    pub fn contains(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Returns the keys in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(String::as_str)
    }

    /// Returns a number; an integer counts as one.
    pub fn f64(&self, key: &str) -> Result<f64, ConfigError> {
        self.read(key, "a number", as_f64)
    }

    /// Returns an integer.
    pub fn i64(&self, key: &str) -> Result<i64, ConfigError> {
        self.read(key, "an integer", Value::as_integer)
    }

    /// Returns a count: an integer of at least 0.
    pub fn usize(&self, key: &str) -> Result<usize, ConfigError> {
        self.read(key, "a count", |value| value.as_integer().and_then(|n| n.try_into().ok()))
    }

    /// Returns a truth value.
    pub fn bool(&self, key: &str) -> Result<bool, ConfigError> {
        self.read(key, "true or false", Value::as_bool)
    }

    /// Returns a string.
    pub fn str(&self, key: &str) -> Result<&str, ConfigError> {
        self.read(key, "a string", Value::as_str)
    }

    /// Returns a list of numbers.
    pub fn f64s(&self, key: &str) -> Result<Vec<f64>, ConfigError> {
        self.read(key, "a list of numbers", |value| each(value, as_f64))
    }

    /// Returns a list of integers.
    pub fn i64s(&self, key: &str) -> Result<Vec<i64>, ConfigError> {
        self.read(key, "a list of integers", |value| each(value, Value::as_integer))
    }

    /// Returns a list of lists of integers.
    pub fn i64_rows(&self, key: &str) -> Result<Vec<Vec<i64>>, ConfigError> {
        self.read(key, "a list of lists of integers", |value| {
            each(value, |row| each(row, Value::as_integer))
        })
    }

    /// Returns a list of truth values.
    pub fn bools(&self, key: &str) -> Result<Vec<bool>, ConfigError> {
        self.read(key, "a list of true and false", |value| each(value, Value::as_bool))
    }

    /// Returns a list of strings.
    pub fn strs(&self, key: &str) -> Result<Vec<&str>, ConfigError> {
        self.read(key, "a list of strings", |value| each(value, Value::as_str))
    }

    fn read<'a, T>(
        &'a self,
        key: &str,
        expected: &'static str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let value = self.table.get(key).ok_or_else(|| ConfigError::Missing {
            case: self.case.clone(),
            key: key.to_owned(),
            expected,
        })?;
        convert(value).ok_or_else(|| ConfigError::Type {
            case: self.case.clone(),
            key: key.to_owned(),
            expected,
            found: value.type_str(),
        })
    }
}

fn as_f64(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|n| n as f64))
}

fn each<'a, T>(value: &'a Value, convert: impl Fn(&'a Value) -> Option<T>) -> Option<Vec<T>> {
    value.as_array()?.iter().map(convert).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::new("cvae/example".to_owned(), text.parse().expect("the test's TOML is valid"))
    }

    #[track_caller]
    fn check<T>(result: Result<T, ConfigError>, message: &str) {
        assert_eq!(result.err().expect("the read fails").to_string(), message);
    }

    #[test]
    fn an_integer_counts_as_a_number() {
        let config = config("lr = 1\nbetas = [0, 0.5]");
        assert_eq!(config.f64("lr"), Ok(1.0));
        assert_eq!(config.f64s("betas"), Ok(vec![0.0, 0.5]));
    }

    #[test]
    fn a_missing_key_names_the_case_and_the_type() {
        check(config("").f64("lr"), "failed to find `config.lr` (a number) in case cvae/example");
    }

    #[test]
    fn a_wrong_type_names_what_is_there() {
        check(
            config("steps = 1.5").usize("steps"),
            "failed to read `config.steps` of case cvae/example as a count: it holds float",
        );
        check(
            config("tf = [true, 1]").bools("tf"),
            "failed to read `config.tf` of case cvae/example as a list of true and false: it holds array",
        );
        assert!(config("steps = -1").usize("steps").is_err());
    }
}
