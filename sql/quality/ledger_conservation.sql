-- title: Every row that goes into a stage is kept or dropped, once, with a reason
-- grain: one document at one stage
-- columns: stage, unit, id, problem
-- fails when: a stage's input row is not in its books, is booked twice, is booked without being there, is dropped
--   without a reason, is kept and missing from the output, or is dropped and still there; a stage that has neither
--   books nor output has not run yet
-- order: 1
-- severity: error
with went_in as (
    select
        'normalised' as stage,
        id
    from documents
    union all
    select
        'measures' as stage,
        id
    from normalised
    union all
    select
        'pii' as stage,
        id
    from normalised
    union all
    select
        'dedup' as stage,
        id
    from normalised
    union all
    select
        'labels' as stage,
        id
    from normalised
    union all
    select
        'dataset' as stage,
        id
    from pii
),

came_out as (
    select
        'normalised' as stage,
        id
    from normalised
    union all
    select
        'measures' as stage,
        id
    from measures
    union all
    select
        'pii' as stage,
        id
    from pii
    union all
    select
        'dedup' as stage,
        clusters.id
    from clusters anti join duplicates on clusters.id = duplicates.id
    union all
    select
        'labels' as stage,
        id
    from labels
    union all
    select
        'dataset' as stage,
        id
    from dataset
),

both_ends as (
    select unnest(['normalised', 'measures', 'pii', 'dedup', 'labels', 'dataset']) as stage
),

ran as (
    select stage from ledger
    union
    select stage from came_out
),

booked as (
    select
        stage,
        unit,
        id,
        outcome,
        reason
    from ledger
),

problems as (
    select
        went_in.stage,
        '' as unit,
        went_in.id,
        'went in and is not booked' as problem
    from went_in
    semi join ran on went_in.stage = ran.stage
    anti join booked on went_in.stage = booked.stage and went_in.id = booked.id
    union all
    select
        booked.stage,
        booked.unit,
        booked.id,
        'booked and never went in' as problem
    from booked
    semi join both_ends on booked.stage = both_ends.stage
    anti join went_in as same on booked.stage = same.stage and booked.id = same.id
    union all
    select
        booked.stage,
        booked.unit,
        booked.id,
        'kept and not in the output' as problem
    from booked
    semi join both_ends on booked.stage = both_ends.stage
    anti join came_out as same on booked.stage = same.stage and booked.id = same.id
    where booked.outcome = 'kept'
    union all
    select
        booked.stage,
        booked.unit,
        booked.id,
        'dropped and still in the output' as problem
    from booked
    semi join came_out on booked.stage = came_out.stage and booked.id = came_out.id
    where booked.outcome = 'dropped'
    union all
    select
        stage,
        unit,
        id,
        'neither kept nor dropped with a reason' as problem
    from booked
    where not coalesce(outcome = 'kept' or (outcome = 'dropped' and reason <> ''), false)
    union all
    select
        stage,
        min(unit) as unit,
        id,
        'booked twice' as problem
    from booked
    group by stage, id, case when stage = 'extract' then unit end
    having count(*) > 1
)

select
    stage,
    unit,
    id,
    problem
from problems
order by stage, id, problem, unit
