-- title: Quality thresholds, as data
-- grain: one row for each domain, language and measure that has a bound
-- columns: domain, lang (ja or en), measure (a column of data/measures), low, high, reason;
--   bounds are inclusive, null is no bound on that side
-- fails when: never. This is a table of policy: the checks of sql/quality join it with the measures
--
-- The published cuts for Japanese web text (Swallow, HojiChar, FineWeb-2) reject a fifth of statutes, package
-- inserts and case reports. So a bound is set for each domain: none on hiragana for law and package inserts,
-- and long sentences are allowed there.
with defaults (lang, measure, low, high, reason) as (
    values
    ('ja', 'chars', 100, 5000000, 'shorter than a paragraph, or larger than any single document'),
    ('en', 'chars', 200, 5000000, 'shorter than a paragraph, or larger than any single document'),
    ('ja', 'mean_sentence', 6, 200, 'sentences of a list or of a broken extraction'),
    ('en', 'mean_sentence', 15, 600, 'sentences of a list or of a broken extraction'),
    ('ja', 'longest_sentence', null, 600, 'no full stop found: a table or a broken extraction'),
    ('en', 'longest_sentence', null, 2000, 'no full stop found: a table or a broken extraction'),
    ('ja', 'hiragana_share', 0.05, null, 'hardly any particle: not running Japanese text'),
    ('ja', 'japanese_share', 0.4, null, 'labelled Japanese but written in something else'),
    ('ja', 'duplicate_line_share', null, 0.5, 'half of the lines repeat others: a menu or a broken extraction'),
    ('en', 'duplicate_line_share', null, 0.5, 'half of the lines repeat others: a menu or a broken extraction')
),

domains (domain) as (
    values
    ('defense_public'),
    ('aerospace'),
    ('medical_reg'),
    ('law_policy'),
    ('wikipedia_ja_en'),
    ('nsfw_adult'),
    ('nsfw_block'),
    ('general')
),

exceptions (domain, lang, measure, low, high, reason) as (
    values
    ('law_policy', 'ja', 'hiragana_share', null, null, 'older statutes are written in kanji and katakana'),
    ('medical_reg', 'ja', 'hiragana_share', null, null, 'package inserts are tables of kanji and katakana terms'),
    ('law_policy', 'ja', 'mean_sentence', 6, 400, 'one sentence of a statute may be a whole paragraph'),
    ('law_policy', 'en', 'mean_sentence', 15, 1500, 'one sentence of a statute may be a whole paragraph'),
    ('law_policy', 'ja', 'longest_sentence', null, 5000, 'amending provisions list every change in one sentence'),
    ('law_policy', 'en', 'longest_sentence', null, 10000, 'definitions and provisos run on in one sentence'),
    ('medical_reg', 'ja', 'mean_sentence', 6, 400, 'rows of a table of adverse reactions end without a full stop'),
    ('medical_reg', 'ja', 'longest_sentence', null, 3000, 'rows of a table of reactions have no full stop'),
    ('law_policy', 'ja', 'duplicate_line_share', null, 0.9, 'forms and tables of a statute repeat their lines'),
    ('medical_reg', 'ja', 'duplicate_line_share', null, 0.9, 'tables of a package insert repeat their cells'),
    ('aerospace', 'en', 'longest_sentence', null, 10000, 'tables and formulas of technical reports have no full stop')
)

select
    domains.domain,
    defaults.lang,
    defaults.measure,
    cast(case when exceptions.domain is null then defaults.low else exceptions.low end as double) as low,
    cast(case when exceptions.domain is null then defaults.high else exceptions.high end as double) as high,
    coalesce(exceptions.reason, defaults.reason) as reason
from domains
cross join defaults
left join exceptions
    on
        domains.domain = exceptions.domain
        and defaults.lang = exceptions.lang
        and defaults.measure = exceptions.measure
order by domains.domain, defaults.lang, defaults.measure
