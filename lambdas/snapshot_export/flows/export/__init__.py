"""An export's way: accepted, admitted, started, polled, collected, finished; or cancelled."""
