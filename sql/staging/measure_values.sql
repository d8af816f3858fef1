-- title: The quality measures, one value a row
-- grain: one measure of one document
-- columns: id, measure (name of a column of data/measures), value; a measure that is null has no row
with numbers as (
    select
        id,
        cast(columns(* exclude (id, source)) as double)
    from measures
)

unpivot numbers on columns(* exclude (id)) into name measure value value
