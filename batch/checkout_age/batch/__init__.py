"""Scores each night's checkout photos and keeps the age groups in Parquet."""
