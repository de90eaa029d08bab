"""The report for sales analysts: shares by age group corrected, what each group buys, coverage."""
