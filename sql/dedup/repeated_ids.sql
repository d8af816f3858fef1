-- title: Ids that name more than one document
-- grain: one such id
-- columns: id, documents
select
    id,
    count(*) as documents
from keys
group by id
having count(*) > 1
order by id
