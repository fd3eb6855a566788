"""Running with nobody watching: which job is due when, how fresh each platform's reports are, and what a person should know.

``schedule`` the jobs and their hours · ``freshness`` a table per platform, with the duties of January and July · ``alarms``
what is wrong, one alarm a thing · ``healthpage`` all of it as a page. Pure: facts and the moment come in, tables go out.
"""
