package schedule

import (
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // the operator's image has no zones

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// Schedule is a v1alpha1.Schedule that can be asked. It does not change; the zero Schedule is always open.
type Schedule struct {
	zone       *time.Location
	windows    []window
	exclusions []window
}

// State is what a Schedule says about one time.
type State struct {
	// Open: an upgrade may start.
	Open bool
	// Frozen: it may not because of an exclusion, whatever the windows say.
	Frozen bool
	// Name of the window or exclusion that decides, of several the one whose occurrence ends last. Empty: no window covers
	// the time.
	Name string
}

// Parse reads a schedule. An error names the field, and what to do.
func Parse(spec v1alpha1.Schedule) (Schedule, error) {
	zone, err := parseZone(spec.TimeZone)
	if err != nil {
		return Schedule{}, fmt.Errorf("timeZone: %w", err)
	}
	windows, err := parseWindows("windows", spec.Windows, zone)
	if err != nil {
		return Schedule{}, err
	}
	exclusions, err := parseWindows("exclusions", spec.Exclusions, zone)
	if err != nil {
		return Schedule{}, err
	}
	return Schedule{zone: zone, windows: windows, exclusions: exclusions}, nil
}

func parseZone(name string) (*time.Location, error) {
	switch name {
	case "Local", "localtime":
		return nil, errors.New("must not be the operator's own: use an IANA name such as Europe/Berlin")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is unknown: use an IANA name such as Europe/Berlin", name)
	}
	return zone, nil
}

func parseWindows(field string, specs []v1alpha1.TimeWindow, zone *time.Location) ([]window, error) {
	var windows []window
	for _, spec := range specs {
		parsed, err := parseWindow(spec, zone)
		if err != nil {
			return nil, fmt.Errorf("%s[%s].%w", field, spec.Name, err)
		}
		windows = append(windows, parsed)
	}
	return windows, nil
}

// Exclusions is the schedule without its windows: it is closed only while an exclusion covers the time.
func (s Schedule) Exclusions() Schedule { return Schedule{zone: s.zone, exclusions: s.exclusions} }

// At says whether an upgrade may start now.
func (s Schedule) At(now time.Time) State {
	wall := clock{zone: s.zone}
	if name, ok := covering(s.exclusions, now.Unix(), &wall); ok {
		return State{Frozen: true, Name: name}
	}
	if len(s.windows) == 0 {
		return State{Open: true}
	}
	name, ok := covering(s.windows, now.Unix(), &wall)
	return State{Open: ok, Name: name}
}

// covering is the name of the window that covers a time, of several the one that ends last.
func covering(windows []window, at int64, wall *clock) (name string, ok bool) {
	var end int64
	for i := range windows {
		found, covers := windows[i].covering(at, wall)
		if covers && (!ok || found.end > end) {
			name, end, ok = windows[i].name, found.end, true
		}
	}
	return name, ok
}
