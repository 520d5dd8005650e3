"""Customer service accounts (微信客服): what customers write, and answers while their window is open."""
