package tencentcloud

var Authorization = authorization
