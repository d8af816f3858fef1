-- title: No empty or garbled text in the dataset
-- grain: one row of the dataset
-- columns: id, source, chars, problem, share (of the characters)
-- fails when: a text is blank; more than 1 character in 20 is a replacement, control or private-use character (papers
--   with formulas in symbol fonts reach 1 in 50); more than 1 in 100 is of a sequence that UTF-8 Japanese or English
--   leaves when it is read in another encoding
-- order: 8
-- severity: error
with counted as (
    select
        id,
        source,
        length(text) as chars,
        regexp_matches(text, '[^\s\x{3000}\x{A0}]') as visible,
        length(text)
        - length(regexp_replace(text, '[\x{FFFD}\x{E000}-\x{F8FF}\x00-\x08\x0B\x0E-\x1F\x7F-\x9F]', '', 'g')) as unfit,
        length(text)
        - length(regexp_replace(text, '縺.|繧.|繝.|ã[\x{80}-\x{BF}ˆ‰Š‹€‚ƒ„…†‡]|â€.|Ã[\x{80}-\x{BF}]', '', 'g')) as moji
    from dataset
),

judged as (
    select
        id,
        source,
        chars,
        case
            when not coalesce(visible, false) then 'empty'
            when unfit > chars * 0.05 then 'garbled: unfit characters'
            when moji > chars * 0.01 then 'garbled: wrong encoding'
        end as problem,
        round(greatest(unfit, moji) / greatest(chars, 1), 4) as share
    from counted
)

select
    id,
    source,
    chars,
    problem,
    share
from judged
where problem is not null
order by id
