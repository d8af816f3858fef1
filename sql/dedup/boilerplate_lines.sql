-- title: Lines that many documents of one source repeat
-- grain: one line of one source, blanks at its ends cut off
-- columns: source, line, documents (that hold it), occurrences, chars; limits (one row: least, share) say how many
--   documents, and which share of the source's, make a line boilerplate
with lines as (
    select
        source,
        id,
        trim(unnest(string_split(text, chr(10))), ' ' || chr(9) || chr(13) || chr(12288)) as line
    from texts
),

sizes as (
    select
        source,
        count(*) as documents
    from texts
    group by source
),

counted as (
    select
        source,
        line,
        count(distinct id) as documents,
        count(*) as occurrences
    from lines
    where line <> ''
    group by source, line
    having count(distinct id) > 1
)

select
    counted.source,
    counted.line,
    counted.documents,
    counted.occurrences,
    length(counted.line) as chars
from counted
inner join sizes on counted.source = sizes.source
cross join limits
where counted.documents >= limits.least and counted.documents >= limits.share * sizes.documents
order by counted.source asc, counted.documents desc, counted.line asc
