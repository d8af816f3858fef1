-- title: The workspace in one row
-- grain: the workspace
-- columns: fetches, sources, documents, normalised, duplicates, labelled, dataset, dataset_chars, masked (spans of
--   personal data in the dataset)
select
    (select count(*) from fetches) as fetches,
    (select count(distinct source) from documents) as sources,
    (select count(*) from documents) as documents,
    (select count(*) from normalised) as normalised,
    (select count(*) from duplicates) as duplicates,
    (select count(*) from labels) as labelled,
    (select count(*) from dataset) as dataset,
    (select cast(coalesce(sum(n_chars), 0) as bigint) from dataset) as dataset_chars,
    (select cast(coalesce(sum(pii_masked), 0) as bigint) from dataset) as masked
