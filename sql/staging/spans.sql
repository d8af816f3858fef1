-- title: Spans of personal data and secrets
-- grain: one span of one document
-- columns: id, source, type, action, start and end (code points of the normalised text, end exclusive)
with unnested as (
    select
        pii.id,
        unnest(pii.spans) as span
    from pii
)

select
    unnested.id,
    documents.source,
    unnested.span.type,
    unnested.span.action,
    unnested.span.start,
    unnested.span."end"
from unnested
left join documents on unnested.id = documents.id
