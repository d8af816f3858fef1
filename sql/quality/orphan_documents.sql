-- title: Every document goes back to a fetch
-- grain: one document
-- columns: id, source, url, problem
-- fails when: no fetch brought the bytes a document was made from, or the dump they were cut out of
-- order: 3
-- severity: error
select
    documents.id,
    documents.source,
    documents.url,
    'no fetch brought these bytes' as problem
from documents
anti join fetches on coalesce(documents.container_sha256, documents.raw_sha256) = fetches.raw_sha256
order by documents.id
