-- title: Lengths
-- grain: one source and language
-- columns: source, lang, documents, shortest, p05, p25, median, p75, p95, longest (code points of the normalised text),
--   total (code points of all)
-- order: 6
-- bars: median
select
    source,
    lang,
    count(*) as documents,
    min(chars) as shortest,
    quantile_disc(chars, 0.05) as p05,
    quantile_disc(chars, 0.25) as p25,
    quantile_disc(chars, 0.5) as median,
    quantile_disc(chars, 0.75) as p75,
    quantile_disc(chars, 0.95) as p95,
    max(chars) as longest,
    cast(sum(chars) as bigint) as total
from rows
where chars is not null
group by source, lang
order by source, lang
