"""DuckDB views over the lake, for an analyst's own questions."""

from pathlib import Path
from zoneinfo import ZoneInfo

from checkout_age.batch.lake import TABLE
from checkout_age.batch.place import Place
from checkout_age.batch.report.baskets import source_of

REMOTE = """\
-- of other storage DuckDB needs its extension and your access first, as here for S3:
-- INSTALL httpfs; LOAD httpfs;
-- CREATE SECRET (TYPE s3, PROVIDER credential_chain);  -- with ENDPOINT '…' for a store of your own
"""
REPEATED = """\
-- ids that several nights have: whose basket is whose cannot be told, so these have none
CREATE OR REPLACE VIEW repeated_purchases AS
SELECT purchase_id, count(*) AS nights
FROM read_parquet('{table}/*/*.parquet', hive_partitioning = true, union_by_name = true)
GROUP BY purchase_id HAVING count(*) > 1;
"""
PURCHASES = """\
-- every purchase, scored or not, with its basket's worth; plain answers, one by one
CREATE OR REPLACE VIEW purchases_by_age AS
SELECT night.purchase_id, purchase_date::DATE AS purchase_date, store_id,
    timezone('{zone}', purchased_at) AS purchased_at,
    hour(timezone('{zone}', purchased_at)) AS hour, isodow(purchase_date::DATE) AS weekday,
    status, age, age_low, age_high, age_group, model_version,
    basket.revenue, basket.items
FROM read_parquet('{table}/*/*.parquet', hive_partitioning = true, union_by_name = true) AS night
LEFT JOIN (
    SELECT purchase_id, sum(amount) AS revenue, sum(quantity) AS items
    FROM basket_line ANTI JOIN repeated_purchases USING (purchase_id) GROUP BY purchase_id
) AS basket ON basket.purchase_id = night.purchase_id;
"""
LINES = """\
CREATE OR REPLACE VIEW basket_line AS
SELECT purchase_id::VARCHAR AS purchase_id, product::VARCHAR AS product,
    category::VARCHAR AS category, quantity::DOUBLE AS quantity, amount::DOUBLE AS amount
FROM {source};
"""
NO_LINES = """\
-- no basket lines were named: revenue and items are null, lift is empty
CREATE OR REPLACE VIEW basket_line AS
SELECT NULL::VARCHAR AS purchase_id, NULL::VARCHAR AS product, NULL::VARCHAR AS category,
    NULL::DOUBLE AS quantity, NULL::DOUBLE AS amount WHERE false;
"""
LIFT = """\
-- how much more often a group's purchases hold a product than all do; plain, not corrected
CREATE OR REPLACE VIEW lift AS
WITH scored AS (
    SELECT purchase_id, age_group FROM purchases_by_age WHERE status = 'scored'
), bought AS (
    -- one category a product, as in the report: a product of two would be told as two halves
    SELECT purchase_id, product, min(category) AS category
    FROM basket_line ANTI JOIN repeated_purchases USING (purchase_id)
    GROUP BY purchase_id, product
), of_group AS (
    SELECT age_group, count(*) AS purchases FROM scored GROUP BY age_group
), of_product AS (
    SELECT product, min(category) AS category, count(*) AS purchases
    FROM bought JOIN scored USING (purchase_id) GROUP BY product
), of_both AS (
    SELECT age_group, product, count(*) AS support
    FROM bought JOIN scored USING (purchase_id) GROUP BY age_group, product
)
SELECT age_group, product, category, support,
    (support / of_group.purchases)
        / (of_product.purchases / of_all.purchases) AS lift
FROM of_both JOIN of_group USING (age_group) JOIN of_product USING (product)
    CROSS JOIN (SELECT count(*) AS purchases FROM scored) AS of_all;
"""
COVERAGE = """\
-- how many purchases fared how, by store and hour, and their share of that store and hour
CREATE OR REPLACE VIEW coverage AS
SELECT purchase_date, store_id, hour, status, count(*) AS purchases,
    count(*) / sum(count(*)) OVER (PARTITION BY purchase_date, store_id, hour) AS share
FROM purchases_by_age GROUP BY purchase_date, store_id, hour, status;
"""


def views(lake: str | Path, baskets: str | None, zone: ZoneInfo) -> str:
    """The views as SQL that any DuckDB can read: each purchase and product is a row of its own.

    They tell of single purchases and suppress nothing, as the lake does; the report is what may
    leave the house.
    """
    table = (Place.of(lake) / TABLE).shown.replace("'", "''")
    if baskets is not None and "://" in baskets:
        baskets = Place.of(baskets).shown
    remote = any("://" in place for place in (table, baskets or ""))
    lines = NO_LINES if baskets is None else LINES.format(source=source_of(baskets))
    return "\n".join(
        [
            *([REMOTE] if remote else []),
            lines,
            REPEATED.format(table=table),
            PURCHASES.format(table=table, zone=zone.key),
            LIFT,
            COVERAGE,
        ]
    )
