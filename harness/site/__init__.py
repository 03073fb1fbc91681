"""The static leaderboard: records in, pages out.

It knows records and their words, no task and no metric: nothing here can change a score. Import
`harness.site.pages` only where pages are built, because it loads the template engine.
"""
