-- title: Documents that agree in one band
-- grain: one of two or more different texts that share the key of this band; the least id stands for equal texts
-- columns: key, id
with shared as (
    select key
    from keys
    group by key
    having count(*) > 1
),

texts as (
    select
        keys.key,
        min(keys.id) as id
    from keys
    semi join shared on keys.key = shared.key
    group by keys.key, keys.fold_hash
),

several as (
    select key
    from texts
    group by key
    having count(*) > 1
)

select
    texts.key,
    texts.id
from texts
semi join several on texts.key = several.key
order by texts.key, texts.id
