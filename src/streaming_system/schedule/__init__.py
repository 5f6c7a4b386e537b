"""The schedule: its model, the schedule file, differences between schedules, and exports."""
