package repository

import (
	"testing"

	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
)

// Commits that somebody made again, as by an amendment, may have another content, and are not ours although they say so.
func TestOwnMarkers(t *testing.T) {
	const told = "Mark 1 version for automatic upgrades\n\n" + markersTrailer + "main\n"
	for name, tc := range map[string]struct {
		commit gitops.Commit
		want   bool
	}{
		"ours":                  {commit: gitops.Commit{Message: told}, want: true},
		"ours, made again":      {commit: gitops.Commit{Message: told, Redone: true}},
		"another's":             {commit: gitops.Commit{Message: "Mark 1 version\n"}},
		"another's, in a quote": {commit: gitops.Commit{Message: "See \"" + markersTrailer + "main\"\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ownMarkers(tc.commit); got != tc.want {
				t.Errorf("ownMarkers() = %v", got)
			}
		})
	}
}
