package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Schedule says when an upgrade may start. A start is allowed while a window is open, or at any time if there are no
// windows, and no exclusion covers the time: exclusions win.
//
// +kubebuilder:validation:XValidation:rule="has(self.windows) && self.windows.size() > 0 || has(self.exclusions) && self.exclusions.size() > 0",message="schedule needs a window or an exclusion"
type Schedule struct {
	// timeZone in which recurrences expand as wall clock, an IANA name such as `Europe/Berlin`. Default UTC.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_+/-]*$')",message="timeZone must be an IANA name such as Europe/Berlin"
	TimeZone string `json:"timeZone,omitempty"`

	// windows in which an upgrade may start. None: at any time.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Windows []TimeWindow `json:"windows,omitempty"`

	// exclusions in which nothing may start, whatever the windows say.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Exclusions []TimeWindow `json:"exclusions,omitempty"`
}

// TimeWindow is a time that may come again.
//
// +kubebuilder:validation:XValidation:rule="self.endTime > self.startTime",message="endTime must be after startTime: a window over midnight ends on the next day"
type TimeWindow struct {
	// name of the window, for messages.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// startTime of the first occurrence. With a recurrence that is the first day from then on which the rule yields.
	// +required
	StartTime metav1.Time `json:"startTime"`

	// endTime of the first occurrence; that moment is not part of it.
	// +required
	EndTime metav1.Time `json:"endTime"`

	// recurrence as an RRULE of RFC 5545 in upper case, with FREQ=DAILY, FREQ=WEEKLY or FREQ=MONTHLY, such as
	// `FREQ=WEEKLY;BYDAY=MO,TU`. It expands as wall clock in timeZone. Default: the window comes once.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^([A-Z]+=[A-Z0-9,+-]+;)*FREQ=(DAILY|WEEKLY|MONTHLY)(;[A-Z]+=[A-Z0-9,+-]+)*$')",message="recurrence must be an RRULE in upper case with FREQ=DAILY, FREQ=WEEKLY or FREQ=MONTHLY, such as FREQ=WEEKLY;BYDAY=MO,TU"
	// +kubebuilder:validation:XValidation:rule="!self.matches('BY(HOUR|MINUTE|SECOND|WEEKNO|YEARDAY)=')",message="recurrence must not have BYHOUR, BYMINUTE, BYSECOND, BYWEEKNO or BYYEARDAY: the time of day is that of startTime, and windows come daily, weekly or monthly"
	// +kubebuilder:validation:XValidation:rule="!self.contains('COUNT=') || !self.contains('UNTIL=')",message="recurrence must not have both COUNT and UNTIL: leave one out"
	Recurrence string `json:"recurrence,omitempty"`
}
