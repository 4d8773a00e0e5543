package server

import "github.com/seed-16109ab2/rekey/storage/bunstore"

// usersReport is a [bunstore.UsersReport] in the JSON of GET /v1/users/report.
type usersReport struct {
	Rows     int            `json:"rows"`
	Complete bool           `json:"complete"`
	Findings []usersFinding `json:"findings"`
}

type usersFinding struct {
	Kind    bunstore.UsersFault `json:"kind"`
	Column  string              `json:"column,omitempty"`
	Count   int                 `json:"count,omitempty"`
	Breaks  bool                `json:"breaks"`
	Problem string              `json:"problem"`
}

func reportOf(r bunstore.UsersReport, err error) (usersReport, error) {
	report := usersReport{Rows: r.Rows, Complete: r.Complete, Findings: []usersFinding{}}
	for _, f := range r.Findings {
		report.Findings = append(report.Findings, usersFinding{f.Kind, f.Column, f.Count, f.Breaks, f.Problem})
	}
	return report, err
}
