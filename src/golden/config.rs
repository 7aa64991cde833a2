//! `[config]` of a case: free-form, read through typed accessors.

use toml::Value;

/// Why a setting could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The case does not have the key.
    #[error("failed to find `config.{key}` ({expected}) in case {case}")]
    Missing {
        /// `system/case`.
        case: String,
        key: String,
        /// Type that the caller needs.
        expected: &'static str,
    },
    /// The key has a value of another type.
    #[error("failed to read `config.{key}` of case {case}: expected {expected}, found {found}")]
    Type {
        /// `system/case`.
        case: String,
        key: String,
        /// Type that the caller needs.
        expected: &'static str,
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

    /// Returns whether the case has `key`.
    pub fn contains(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Returns the keys in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(String::as_str)
    }

    /// Returns a number, perhaps written as an integer.
    pub fn f64(&self, key: &str) -> Result<f64, SettingError> {
        self.read(key, "a number", as_f64)
    }

    /// Returns an integer.
    pub fn i64(&self, key: &str) -> Result<i64, SettingError> {
        self.read(key, "an integer", Value::as_integer)
    }

    /// Returns a count: an integer of at least 0.
    pub fn usize(&self, key: &str) -> Result<usize, SettingError> {
        self.read(key, "a count", |value| value.as_integer().and_then(|n| n.try_into().ok()))
    }

    /// Returns a boolean.
    pub fn bool(&self, key: &str) -> Result<bool, SettingError> {
        self.read(key, "a boolean", Value::as_bool)
    }

    /// Returns a string.
    pub fn str(&self, key: &str) -> Result<&str, SettingError> {
        self.read(key, "a string", Value::as_str)
    }

    /// Returns a list of numbers.
    pub fn f64s(&self, key: &str) -> Result<Vec<f64>, SettingError> {
        self.read(key, "a list of numbers", |value| each(value, as_f64))
    }

    /// Returns a list of integers.
    pub fn i64s(&self, key: &str) -> Result<Vec<i64>, SettingError> {
        self.read(key, "a list of integers", |value| each(value, Value::as_integer))
    }

    /// Returns a list of lists of integers.
    pub fn i64_rows(&self, key: &str) -> Result<Vec<Vec<i64>>, SettingError> {
        self.read(key, "a list of lists of integers", |value| {
            each(value, |row| each(row, Value::as_integer))
        })
    }

    /// Returns a list of booleans.
    pub fn bools(&self, key: &str) -> Result<Vec<bool>, SettingError> {
        self.read(key, "a list of booleans", |value| each(value, Value::as_bool))
    }

    /// Returns a list of strings.
    pub fn strs(&self, key: &str) -> Result<Vec<&str>, SettingError> {
        self.read(key, "a list of strings", |value| each(value, Value::as_str))
    }

    fn read<'a, T>(
        &'a self,
        key: &str,
        expected: &'static str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<T, SettingError> {
        let value = self.table.get(key).ok_or_else(|| SettingError::Missing {
            case: self.case.clone(),
            key: key.to_owned(),
            expected,
        })?;
        convert(value).ok_or_else(|| SettingError::Type {
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
    fn check<T>(result: Result<T, SettingError>, message: &str) {
        assert_eq!(result.err().expect("the read fails").to_string(), message);
    }

    #[test]
    fn an_integer_is_read_as_a_number() {
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
            "failed to read `config.steps` of case cvae/example: expected a count, found float",
        );
        check(
            config("tf = [true, 1]").bools("tf"),
            "failed to read `config.tf` of case cvae/example: expected a list of booleans, found array",
        );
        assert!(config("steps = -1").usize("steps").is_err());
    }
}
