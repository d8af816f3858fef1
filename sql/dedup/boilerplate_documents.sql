-- title: How much of a document is boilerplate of its source
-- grain: one document with at least one such line
-- columns: id, source, lines (all that are not blank), boilerplate_lines, chars (of all those lines),
--   boilerplate_chars, share (of the characters)
with lines as (
    select
        source,
        id,
        trim(unnest(string_split(text, chr(10))), ' ' || chr(9) || chr(13) || chr(12288)) as line
    from texts
)

select
    lines.id,
    any_value(lines.source) as source,
    count(*) as lines,
    count(boilerplate.line) as boilerplate_lines,
    sum(length(lines.line)) as chars,
    sum(coalesce(boilerplate.chars, 0)) as boilerplate_chars,
    round(sum(coalesce(boilerplate.chars, 0)) / sum(length(lines.line)), 6) as share
from lines
left join boilerplate on lines.source = boilerplate.source and lines.line = boilerplate.line
where lines.line <> ''
group by lines.id
having count(boilerplate.line) > 0
order by lines.id
