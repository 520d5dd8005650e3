"""Tasks for members of staff: a touch on this channel is something that somebody is to do, in time."""
