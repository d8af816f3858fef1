-- title: Quality measures of the dataset lie within the policy's thresholds
-- grain: one measure of one row of the dataset
-- columns: id, source, domain, lang, measure, value, low, high, reason
-- fails when: a measure is below low or above high of sql/policy/thresholds.sql for its domain and language
-- order: 10
-- severity: warning
select
    dataset.id,
    dataset.source,
    dataset.domain,
    dataset.lang,
    measure_values.measure,
    round(measure_values.value, 4) as value,
    thresholds.low,
    thresholds.high,
    thresholds.reason
from dataset
inner join measure_values on dataset.id = measure_values.id
inner join thresholds
    on
        dataset.domain = thresholds.domain
        and dataset.lang = thresholds.lang
        and measure_values.measure = thresholds.measure
where measure_values.value < thresholds.low or measure_values.value > thresholds.high
order by dataset.id, measure_values.measure
