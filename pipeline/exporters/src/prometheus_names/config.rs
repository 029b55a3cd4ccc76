//! Keys about names and labels that both exporters have.

use config::{Check, Config};

/// How names of metrics and attributes become names of Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Config)]
#[config(unknown = "invalid translation_strategy: {}")]
pub(crate) enum TranslationStrategy {
    /// Illegal characters become underscores; unit and type are appended.
    #[config(rename = "UnderscoreEscapingWithSuffixes")]
    UnderscoreEscapingWithSuffixes,
    /// Illegal characters become underscores.
    #[config(rename = "UnderscoreEscapingWithoutSuffixes")]
    UnderscoreEscapingWithoutSuffixes,
    /// Names stay; unit and type are appended.
    #[config(rename = "NoUTF8EscapingWithSuffixes")]
    NoUtf8EscapingWithSuffixes,
    /// Names stay.
    #[config(rename = "NoTranslation")]
    NoTranslation,
}

impl TranslationStrategy {
    /// What counts: the strategy, or the older key `add_metric_suffixes`.
    pub(crate) fn chosen(strategy: Option<Self>, add_metric_suffixes: bool) -> Self {
        strategy.unwrap_or(if add_metric_suffixes {
            Self::UnderscoreEscapingWithSuffixes
        } else {
            Self::UnderscoreEscapingWithoutSuffixes
        })
    }

    /// Unit and type are appended.
    pub(crate) fn suffixes(self) -> bool {
        matches!(self, Self::UnderscoreEscapingWithSuffixes | Self::NoUtf8EscapingWithSuffixes)
    }

    /// Names stay as they are.
    pub(crate) fn utf8(self) -> bool {
        matches!(self, Self::NoUtf8EscapingWithSuffixes | Self::NoTranslation)
    }
}

/// Resource attributes that become labels of every series.
#[derive(Debug, Clone, PartialEq, Config)]
#[config(no_rules)]
pub(crate) struct ResourceLabelSettings {
    /// Attributes to take, as patterns with `*` and `?`. When only `excluded` is given: all others.
    pub(crate) included: Vec<String>,
    /// Attributes not to take, as patterns with `*` and `?`.
    pub(crate) excluded: Vec<String>,
    /// Take all attributes; the older way.
    pub(crate) enabled: bool,
    /// With `enabled`: all but `service.name`, `service.namespace` and `service.instance.id`.
    pub(crate) exclude_service_attributes: bool,
}

impl ResourceLabelSettings {
    fn has_patterns(&self) -> bool {
        !self.included.is_empty() || !self.excluded.is_empty()
    }

    fn has_switches(&self) -> bool {
        self.enabled || self.exclude_service_attributes
    }

    /// Nothing is set.
    pub(crate) fn is_empty(&self) -> bool {
        !self.has_patterns() && !self.has_switches()
    }

    /// Reports what the two keys cannot say together.
    pub(crate) fn check(conversion: &Self, constant: &Self, check: &mut Check<'_, '_>) {
        check.require(
            !constant.has_switches(),
            "resource_constant_labels",
            "enabled and exclude_service_attributes are not supported under resource_constant_labels; use included and excluded instead",
        );
        check.require(
            conversion.is_empty() || constant.is_empty(),
            "resource_to_telemetry_conversion",
            "cannot configure both resource_to_telemetry_conversion and resource_constant_labels; resource_to_telemetry_conversion is deprecated",
        );
        check.require(
            !(conversion.has_switches() && conversion.has_patterns()),
            "resource_to_telemetry_conversion",
            "cannot configure both legacy enabled/exclude_service_attributes and included/excluded patterns; enabled and exclude_service_attributes are deprecated",
        );
    }
}
