"""What answers cost: token estimates, the live meter, and the ledger of what was booked."""
