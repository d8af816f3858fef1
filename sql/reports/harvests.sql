-- title: What each harvest brought
-- grain: one run of one source
-- columns: source, nth (run of this source, 1 the first), documents (new ones), held (in the workspace at its end),
--   fetched, not_modified (304), denied, failed, empty, garbled, kept_share (mean over the documents held), duplicates
--   (same bytes), megabytes, licences, below (thresholds missed)
-- order: 11
-- bars: documents, fetched
select
    source,
    row_number() over (partition by source order by time, run) as nth,
    documents,
    held,
    fetched,
    not_modified,
    denied,
    failed,
    empty,
    garbled,
    round(kept_share, 3) as kept_share,
    duplicates,
    round(bytes / 1e6, 1) as megabytes,
    cast(licences as varchar) as licences,
    array_to_string(below, '; ') as below
from harvests
order by source, nth
