package pin

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLargestLedger: what a policy remembers fits into an object's annotations, which are 256 KiB together, whatever its targets
// say. A tag has 128 characters at most, and the name of a wave 63.
func TestLargestLedger(t *testing.T) {
	const waves = 17 // 16, and those that are in none
	at := time.Date(2026, 1, 1, 0, 0, 0, 123456789, time.UTC)
	tag, wave := strings.Repeat("1", 128), strings.Repeat("w", 63)
	l := Ledger{Began: at, SuspendedAt: at, Paused: 1000 * time.Hour, Proven: map[string][]string{}}
	for range MaxSeen {
		l.Seen = append(l.Seen, Seen{Tag: tag, At: at})
	}
	for range MaxBlocked {
		l.Blocked = append(l.Blocked, Blocked{Tag: tag, Wave: wave, Message: strings.Repeat("\"", MaxBlockedMessage), At: at, Rollback: true})
	}
	for i := range waves {
		for range MaxSeen {
			name := fmt.Sprintf("%02d%s", i, wave[2:])
			l.Proven[name] = append(l.Proven[name], tag)
		}
	}
	for range MaxApprovals {
		l.Approvals = append(l.Approvals, Approval{Wave: wave, Version: tag, At: at})
	}
	for range MaxResumes {
		l.Resumes = append(l.Resumes, strings.Repeat("\x01", 128))
	}
	for range MaxHistory {
		l.History = append(l.History, Entry{
			From: tag, To: tag, Wave: wave, Rollback: true, Approved: true, Targets: 1_000_000, Start: at, End: at, Result: "Succeeded", Commit: strings.Repeat("c", 64),
		})
	}
	if size := len(l.Encode()); size > 255<<10 {
		t.Errorf("the ledger has %d bytes", size)
	}
}
