"""SMS: through Aliyun or Tencent."""
