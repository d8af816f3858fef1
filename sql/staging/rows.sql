-- title: Everything about a document in one row
-- grain: one document
-- columns: id, source, key, revision, url, title, licence, rights, garbled_share, chars (of the normalised text; null
--   where it was dropped), lang (by the normalised text, else by the document), verdict, domain, domain_content,
--   domain_source, abstained, keeper (null unless a duplicate), cluster, config and split (null unless in the dataset)
select
    documents.id,
    documents.source,
    documents.key,
    documents.revision,
    documents.url,
    documents.title,
    documents.licence,
    documents.rights,
    documents.garbled_share,
    length(normalised.text) as chars,
    coalesce(normalised.lang, documents.lang) as lang,
    labels.verdict,
    labels.domain,
    labels.domain_content,
    labels.domain_source,
    labels.abstained,
    duplicates.keeper,
    clusters.cluster,
    dataset.config,
    dataset.split
from documents
left join normalised on documents.id = normalised.id
left join labels on documents.id = labels.id
left join duplicates on documents.id = duplicates.id
left join clusters on documents.id = clusters.id
left join dataset on documents.id = dataset.id
